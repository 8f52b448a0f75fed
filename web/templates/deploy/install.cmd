@echo off
rem Installs the Poolwatch Agent {{ kit.version }} of {{ kit.url }}, or brings an older one up to it, from the
rem folder that this file is in. For a task or startup script that runs as the system; it may run again
rem and again. The longest wait before it begins, in seconds, is its argument: so that not all hosts read
rem the share at once.
setlocal
set "VERSION={{ kit.version }}"
set "LONGEST=%~1"
if not defined LONGEST set "LONGEST=0"
if not defined RETRY_SECONDS set "RETRY_SECONDS=300"
set "PROGRAMS=%ProgramFiles%"
if defined ProgramW6432 set "PROGRAMS=%ProgramW6432%"
set "AGENT=%PROGRAMS%\Poolwatch\poolwatch-agent.exe"
set "DATA=%ProgramData%\Poolwatch"
set "LOG=%SystemRoot%\Temp\poolwatch-install.log"
set "ARCHITECTURE=x86"
if /i "%PROCESSOR_ARCHITECTURE%"=="AMD64" set "ARCHITECTURE=x64"
if /i "%PROCESSOR_ARCHITEW6432%"=="AMD64" set "ARCHITECTURE=x64"
set "PACKAGE=%~dp0poolwatch-agent-%VERSION%-%ARCHITECTURE%.msi"

rem A host that has this version or a later one is left alone.
set PRESENT=-1
if not exist "%AGENT%" goto wanted
for /f "tokens=1-3 delims=." %%a in ("%VERSION%") do set /a OFFERED=%%a*1000000+%%b*1000+%%c
for /f "tokens=2-4 delims=. " %%a in ('call "%AGENT%" --version') do set /a PRESENT=%%a*1000000+%%b*1000+%%c
if %PRESENT% geq %OFFERED% exit /b 0
:wanted
set /a WAIT=%RANDOM%*%LONGEST%/32768
if %WAIT% gtr 0 ping -n %WAIT% 127.0.0.1 >nul
if not exist "%PACKAGE%" (
    call :note "%PACKAGE% cannot be read: is it there, and may Domain Computers read the share?"
    exit /b 2
)
{%- if kit.has_authority %}
rem Closed to others, as the agent does it, before anything lies in it.
if not exist "%DATA%" (
    mkdir "%DATA%"
    icacls "%DATA%" /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F" >nul 2>nul
    del /f /q "%DATA%\ca.pem" 2>nul
)
copy /y "%~dp0ca.pem" "%DATA%\ca.pem" >nul
if errorlevel 1 (
    call :note "ca.pem cannot be copied to %DATA%"
    exit /b 2
)
{%- endif %}

set TRIES=0
:again
set /a TRIES+=1
start "" /wait msiexec /i "%PACKAGE%" TRANSFORMS="%~dp0poolwatch.mst" /qn /norestart /l*v "%SystemRoot%\Temp\poolwatch-msi.log"
set CODE=%ERRORLEVEL%
rem Another installation runs: it is waited for, half an hour in all.
if %CODE%==1618 if %TRIES% lss 7 (
    ping -n %RETRY_SECONDS% 127.0.0.1 >nul
    goto again
)
rem Installed; a restart is due for something else.
if %CODE%==3010 set CODE=0
if %CODE%==1641 set CODE=0
if %CODE%==0 (
    call :note "installed %VERSION%"
) else (
    call :note "msiexec ended with %CODE%, try %TRIES%: %SystemRoot%\Temp\poolwatch-msi.log says why"
)
exit /b %CODE%

:note
echo %DATE% %TIME% %~1>>"%LOG%"
exit /b 0
