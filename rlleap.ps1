# rlleap for Windows: builds what changed, and starts the program. On Linux and macOS the file rlleap does it.
#
#   ./rlleap COMMAND ...                         see ./rlleap --help
#   ./rlleap test [--filter NAME] [--long]       tests
#   ./rlleap bench [NAME]                        benchmarks
#   ./rlleap docs [FOLDER]                       the pages and the API reference as HTML
$ErrorActionPreference = 'Stop'
$root = $PSScriptRoot
$build = Join-Path $root 'build'
$stamp = Join-Path $build 'stamp'
$program = Join-Path $root 'src/Cli/bin/Release/net10.0/rlleap.dll'
function Stop-With([int] $code, [string] $text) { [Console]::Error.WriteLine("rlleap: $text"); exit $code }

# Whether no source file is newer than the last build. One that was deleted is not noticed: delete build/stamp then.
function Test-UpToDate {
    if (-not ((Test-Path $program) -and (Test-Path $stamp))) { return $false }
    $built = (Get-Item $stamp).LastWriteTimeUtc
    $sources = 'src', 'examples', 'benchmarks', 'tests', 'Directory.Build.props', 'Directory.Build.targets',
        'Directory.Packages.props', 'RlLeap.sln' | ForEach-Object { Join-Path $root $_ }
    $newer = Get-ChildItem $sources -Recurse -File | Where-Object {
        $_.LastWriteTimeUtc -gt $built -and $_.Extension -ne '.md' -and
        $_.FullName -notmatch '[\\/](bin|obj|__pycache__)[\\/]'
    } | Select-Object -First 1
    return $null -eq $newer
}

if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
    Stop-With 3 'the .NET SDK 10 or newer is needed: https://dotnet.microsoft.com/download'
}
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'; $env:DOTNET_NOLOGO = '1'; $env:RLLEAP_ROOT = $root
if (-not (Test-UpToDate)) {
    New-Item -ItemType Directory -Force $build | Out-Null
    [Console]::Error.WriteLine('rlleap: building RlLeap; the first time it fetches packages')
    $begun = (Get-Date).ToUniversalTime()
    dotnet build (Join-Path $root 'RlLeap.sln') -c Release -nologo -v q > (Join-Path $build 'build.log')
    if ($LASTEXITCODE -ne 0) {
        Select-String ': error' (Join-Path $build 'build.log') | Select-Object -First 20 |
            ForEach-Object { [Console]::Error.WriteLine($_.Line) }
        Stop-With 3 "the build failed (log: $build/build.log)"
    }
    Set-Content $stamp $root
    (Get-Item $stamp).LastWriteTimeUtc = $begun # an edit during the build counts as newer
}

$rest = @($args | Select-Object -Skip 1)
switch -CaseSensitive ("$($args[0])") {
    'test' {
        $options = @()
        for ($i = 0; $i -lt $rest.Count; $i++) {
            if ($rest[$i] -ceq '--long') { $env:RLLEAP_LONG = '1' }
            elseif ($rest[$i] -ceq '--filter' -and $i + 1 -lt $rest.Count) {
                $options += '--filter', "FullyQualifiedName~$($rest[++$i])"
            }
            else { Stop-With 2 "test does not know '$($rest[$i])'. Usage: rlleap test [--filter NAME] [--long]" }
        }
        dotnet test (Join-Path $root 'tests/bin/Release/net10.0/RlLeap.Tests.dll') @options
    }
    'bench' { dotnet (Join-Path $root 'benchmarks/bin/Release/net10.0/rlleap-bench.dll') @rest }
    'docs' {
        $folder = Join-Path $build 'docs'
        if ($rest.Count -gt 0) { $folder = [IO.Path]::GetFullPath([IO.Path]::Combine($PWD.Path, $rest[0])) }
        Push-Location $root
        try {
            dotnet tool restore
            if ($LASTEXITCODE -eq 0) { dotnet docfx docfx.json --warningsAsErrors -o $folder }
        }
        finally { Pop-Location }
    }
    default { dotnet $program @args }
}
exit $LASTEXITCODE
