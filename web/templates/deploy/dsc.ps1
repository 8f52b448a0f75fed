# The Poolwatch Agent {{ kit.version }} of {{ kit.url }} by PowerShell DSC, from the share:
#   . .\dsc.ps1; PoolwatchAgent; Start-DscConfiguration -Path .\PoolwatchAgent -Wait -Verbose
Configuration PoolwatchAgent {
    Import-DscResource -ModuleName PSDesiredStateConfiguration
    Node 'localhost' {
        Package Agent {
            Ensure    = 'Present'
            Name      = 'Poolwatch Agent'
            ProductId = ''
            Path      = '{{ kit.share }}\{{ kit.package() }}'
            Arguments = '{{ kit.property_words() }}'
        }
{%- if kit.has_authority %}
        # Not before: the installation closes its folder to others.
        File Authority {
            Ensure          = 'Present'
            Type            = 'File'
            SourcePath      = '{{ kit.share }}\ca.pem'
            DestinationPath = 'C:\ProgramData\Poolwatch\ca.pem'
            Force           = $true
            DependsOn       = '[Package]Agent'
        }
{%- endif %}
        Service Agent {
            Name      = 'PoolwatchAgent'
            State     = 'Running'
            DependsOn = '[Package]Agent'
        }
    }
}
