@echo off
rem rlleap for Windows, from cmd.exe: see rlleap.ps1.
setlocal
set shell=powershell
where /q pwsh && set shell=pwsh
%shell% -NoProfile -ExecutionPolicy Bypass -File "%~dp0rlleap.ps1" %*
exit /b %ERRORLEVEL%
