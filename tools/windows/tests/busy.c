/* Stands for msiexec: ends with the next of the codes in the file "codes", which it takes out of it. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char rest[256];
    int code = 87, used = 0;
    FILE *file = fopen("codes", "rb");
    if (!file) return code;
    size_t length = fread(rest, 1, sizeof rest - 1, file);
    rest[length] = 0;
    fclose(file);
    sscanf(rest, "%d %n", &code, &used);
    file = fopen("codes", "wb");
    fputs(rest + used, file);
    fclose(file);
    return code;
}
