// What the installer runs of ours: a program whose words stand in the installation's log, so that one
// that fails says why. Built for each architecture by tools/windows/libraries.sh.
#include <windows.h>
#include <msi.h>
#include <msiquery.h>

// A program that takes longer is ended.
#define LONGEST_MS 120000
#define LINE_UNITS 1024

static void say(MSIHANDLE installation, INSTALLMESSAGE kind, const wchar_t *template,
                const wchar_t *text) {
    MSIHANDLE record = MsiCreateRecord(1);
    if (!record) return;
    MsiRecordSetStringW(record, 0, template);
    MsiRecordSetStringW(record, 1, text);
    MsiProcessMessage(installation, kind, record);
    MsiCloseHandle(record);
}

// The lines of what a program says, as they come; the last one is kept.
struct reader {
    MSIHANDLE installation;
    char bytes[LINE_UNITS];
    DWORD filled;
    wchar_t last[LINE_UNITS];
};

static void end_line(struct reader *reader) {
    int units = MultiByteToWideChar(CP_UTF8, 0, reader->bytes, (int)reader->filled, reader->last,
                                    LINE_UNITS - 1);
    reader->filled = 0;
    if (units <= 0) return;
    reader->last[units] = 0;
    say(reader->installation, INSTALLMESSAGE_INFO, L"Poolwatch Agent: [1]", reader->last);
}

static void take(struct reader *reader, const char *bytes, DWORD count) {
    for (DWORD at = 0; at < count; at++) {
        char byte = bytes[at];
        if (byte == '\n' || reader->filled == LINE_UNITS - 1) end_line(reader);
        if (byte != '\n' && byte != '\r') reader->bytes[reader->filled++] = byte;
    }
}

static DWORD WINAPI end_late(void *process) {
    if (WaitForSingleObject(process, LONGEST_MS) == WAIT_TIMEOUT) {
        TerminateProcess(process, WAIT_TIMEOUT);
    }
    return 0;
}

// Runs a command line to its end and returns its exit code, or why it could not be started.
static DWORD run(struct reader *reader, wchar_t *command) {
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    HANDLE from, to;
    if (!CreatePipe(&from, &to, &inherited, 0)) return GetLastError();
    SetHandleInformation(from, HANDLE_FLAG_INHERIT, 0);
    STARTUPINFOW startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES,
                            .hStdOutput = to, .hStdError = to};
    PROCESS_INFORMATION started;
    if (!CreateProcessW(NULL, command, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &startup,
                        &started)) {
        DWORD error = GetLastError();
        CloseHandle(from);
        CloseHandle(to);
        return error;
    }
    CloseHandle(to);
    CloseHandle(started.hThread);
    HANDLE watch = CreateThread(NULL, 0, end_late, started.hProcess, 0, NULL);
    char bytes[512];
    DWORD count;
    while (ReadFile(from, bytes, sizeof bytes, &count, NULL) && count > 0) {
        take(reader, bytes, count);
    }
    if (reader->filled > 0) end_line(reader);
    CloseHandle(from);
    WaitForSingleObject(started.hProcess, LONGEST_MS);
    DWORD code = ERROR_GEN_FAILURE;
    GetExitCodeProcess(started.hProcess, &code);
    if (watch) {
        WaitForSingleObject(watch, INFINITE);
        CloseHandle(watch);
    }
    CloseHandle(started.hProcess);
    return code;
}

// A deferred action gets its command line as CustomActionData: the property of its own name.
__declspec(dllexport) UINT __stdcall RunProgram(MSIHANDLE installation) {
    wchar_t command[2048];
    DWORD units = sizeof command / sizeof *command;
    UINT got = MsiGetPropertyW(installation, L"CustomActionData", command, &units);
    if (got != ERROR_SUCCESS) return ERROR_INSTALL_FAILURE;
    struct reader *reader = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *reader);
    if (!reader) return ERROR_INSTALL_FAILURE;
    reader->installation = installation;
    DWORD code = run(reader, command);
    if (code != 0) {
        wchar_t number[16];
        wsprintfW(number, L"%u", code);
        const wchar_t *why = reader->last[0] ? reader->last : number;
        say(installation, INSTALLMESSAGE_ERROR,
            L"What the Poolwatch Agent had to do failed: [1] (this log tells more above, the Application "
            L"log by the source PoolwatchAgent)", why);
    }
    HeapFree(GetProcessHeap(), 0, reader);
    return code == 0 ? ERROR_SUCCESS : ERROR_INSTALL_FAILURE;
}
