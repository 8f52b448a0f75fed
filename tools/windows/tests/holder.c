/* Opens as many events as it is told, says so, and holds them until its input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

int main(int argc, char **argv)
{
    int wanted = argc > 1 ? atoi(argv[1]) : 0;
    for (int held = 0; held < wanted; held++) {
        if (CreateEventW(NULL, TRUE, FALSE, NULL) == NULL) {
            fprintf(stderr, "no event after %d: error %lu\n", held, GetLastError());
            return 1;
        }
    }
    printf("holds %d\n", wanted);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}
