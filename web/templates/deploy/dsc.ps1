# The Poolwatch Agent {{ kit.version }} of {{ kit.url }} by PowerShell DSC, from the share:
#   . .\dsc.ps1; PoolwatchAgent; Start-DscConfiguration -Path .\PoolwatchAgent -Wait -Verbose
Configuration PoolwatchAgent {
    Import-DscResource -ModuleName PSDesiredStateConfiguration
    Node 'localhost' {
{%- if kit.has_authority %}
        File Authority {
            Ensure          = 'Present'
            Type            = 'File'
            SourcePath      = '{{ kit.share }}\ca.pem'
            DestinationPath = 'C:\ProgramData\Poolwatch\ca.pem'
            Force           = $true
        }
{%- endif %}
        Package Agent {
            Ensure    = 'Present'
            Name      = 'Poolwatch Agent'
            ProductId = ''
            Path      = '{{ kit.share }}\{{ kit.package() }}'
            Arguments = '{{ kit.property_words() }}'
{%- if kit.has_authority %}
            DependsOn = '[File]Authority'
{%- endif %}
        }
        Service Agent {
            Name      = 'PoolwatchAgent'
            State     = 'Running'
            DependsOn = '[Package]Agent'
        }
    }
}
