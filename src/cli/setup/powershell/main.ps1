# --- All of it, in order ---

if ($Part -ne 'Exchange') {
    Connect-Entra
    $resource = Select-One (Get-MgServicePrincipal -Filter "appId eq '$ResourceAppId'")
    if (-not $resource) { throw "This tenant has no service with the app id $ResourceAppId." }
    $wanted = @(Find-Permission $resource)
    $app = Register-App
    Set-Redirect $app
    Set-PublicFlow $app
    Set-Certificate $app
    Set-Permission $app $wanted
    $principal = Set-Principal $app
    if (-not $principal -and -not $WhatIfPreference) { throw 'There is no enterprise application, so nothing else can be done.' }
    if ($AppOnly) { Set-AppConsent $principal $resource $wanted } else { Set-DelegatedConsent $principal $resource }
    if ($app) { $ClientId = "$($app.AppId)" }
    if ($principal) { $ObjectId = "$($principal.Id)" }
    $Tenant = (Get-MgContext).TenantId
}

if ($Part -ne 'Entra') {
    Connect-Exchange
    $known = if ($AppOnly) { Set-ExchangePrincipal $ClientId $ObjectId }
    if ($AppOnly -and -not $known -and -not $WhatIfPreference) { throw 'Exchange does not know the app, so it can not be let in.' }
    Set-Mailbox365 $known
}

''
'The [app] table of saslgate.toml:'
''
'[app]'
'tenant = "{0}"' -f $Tenant
'client_id = "{0}"' -f $ClientId
$Toml
''
if (@($Toml) -match 'client_secret_file') {
    'The client secret is made in the portal: Certificates & secrets > New client secret. Copy its Value into that file.'
}
if ($Part -eq 'Entra') {
    'And in a new window, for Exchange:'
    '  .\THIS_FILE.ps1 -Part Exchange -ClientId {0} -ObjectId {1}' -f $ClientId, $ObjectId
}
