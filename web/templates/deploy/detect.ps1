# For Intune and Configuration Manager: says so when the Poolwatch Agent {{ kit.version }} or a later one is there.
$programs = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$file = Join-Path $programs 'Poolwatch\poolwatch-agent.exe'
if ((Test-Path $file) -and ([version](Get-Item $file).VersionInfo.FileVersion -ge [version]'{{ kit.version }}')) {
    Write-Output 'installed'
}
exit 0
