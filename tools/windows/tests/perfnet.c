// Stands for Windows' performance library of the network, which Wine has not: the Server service with two
// counters, as winperf.h lays them out. The first answer finds its buffer too small.
#include <windows.h>
#include <winperf.h>

enum { OBJECT = 330, NONPAGED = 370, PAGED = 376, BYTES_WANTED = 8192 };

struct answer {
    PERF_OBJECT_TYPE object;
    PERF_COUNTER_DEFINITION counters[2];
    PERF_COUNTER_BLOCK block;
    DWORD values[2];
};

__declspec(dllexport) DWORD WINAPI OpenNetSvcsObject(LPWSTR devices)
{
    return devices ? ERROR_INVALID_PARAMETER : ERROR_SUCCESS;
}

__declspec(dllexport) DWORD WINAPI CollectNetSvcsObjectData(LPWSTR wanted, LPVOID *data, LPDWORD bytes, LPDWORD objects)
{
    DWORD room = *bytes;
    struct answer *answer = *data;
    *bytes = *objects = 0;
    if (lstrcmpW(wanted, L"330")) return ERROR_SUCCESS;
    if (room < BYTES_WANTED) return ERROR_MORE_DATA;
    ZeroMemory(answer, sizeof(*answer));
    answer->object.TotalByteLength = sizeof(*answer);
    answer->object.DefinitionLength = FIELD_OFFSET(struct answer, block);
    answer->object.HeaderLength = sizeof(answer->object);
    answer->object.ObjectNameTitleIndex = OBJECT;
    answer->object.NumCounters = 2;
    answer->object.NumInstances = PERF_NO_INSTANCES;
    for (int number = 0; number < 2; number++) {
        PERF_COUNTER_DEFINITION *counter = &answer->counters[number];
        counter->ByteLength = sizeof(*counter);
        counter->CounterNameTitleIndex = number ? PAGED : NONPAGED;
        counter->CounterType = PERF_COUNTER_RAWCOUNT;
        counter->CounterSize = sizeof(DWORD);
        counter->CounterOffset = sizeof(answer->block) + number * sizeof(DWORD);
    }
    answer->block.ByteLength = sizeof(answer->block) + sizeof(answer->values);
    answer->values[0] = 70000;
    answer->values[1] = 3;
    *data = answer + 1;
    *bytes = sizeof(*answer);
    *objects = 1;
    return ERROR_SUCCESS;
}

__declspec(dllexport) DWORD WINAPI CloseNetSvcsObject(void)
{
    return ERROR_SUCCESS;
}
