# --- Entra ID: the app registration ---

function Connect-Entra {
    Import-Module 'Microsoft.Graph.Authentication', 'Microsoft.Graph.Applications', 'Microsoft.Graph.Identity.SignIns'
    $scopes = 'Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All', 'DelegatedPermissionGrant.ReadWrite.All'
    Connect-MgGraph -TenantId $Tenant -Environment $GraphEnvironment -Scopes $scopes -NoWelcome
}

function Find-Registration {
    if ($ClientId) {
        $found = Select-One (Get-MgApplication -Filter "appId eq '$ClientId'")
        if (-not $found) { throw "No app registration of this tenant has the client id $ClientId." }
        return $found
    }
    $name = $DisplayName.Replace("'", "''")
    $found = @(Get-MgApplication -Filter "displayName eq '$name'" | Where-Object { $_ })
    if ($found.Count -gt 1) { throw "$($found.Count) app registrations are called $DisplayName. Say which: -ClientId" }
    return Select-One $found
}

# The permissions of the resource by their names, with the ids that they have in this tenant.
function Find-Permission($Resource) {
    foreach ($name in $Permissions) {
        $all = if ($AppOnly) { $Resource.AppRoles } else { $Resource.Oauth2PermissionScopes }
        $found = Select-One ($all | Where-Object { $_.Value -eq $name })
        if (-not $found) { throw "$($Resource.DisplayName) has no permission $name here." }
        $type = if ($AppOnly) { 'Role' } else { 'Scope' }
        @{ Id = $found.Id; Type = $type }
    }
}

function Register-App {
    $app = Find-Registration
    if (-not $app -and (Approve $DisplayName 'Register an app for accounts of this tenant alone')) {
        $app = New-MgApplication -DisplayName $DisplayName -SignInAudience 'AzureADMyOrg'
    }
    if (-not $app -and -not $WhatIfPreference) { throw 'Nothing is registered, so nothing else can be done.' }
    return $app
}

function Set-Redirect($App) {
    if (-not $RedirectUri) { return }
    $there = if ($RedirectIsWeb) { $App.Web.RedirectUris } else { $App.PublicClient.RedirectUris }
    $there = @($there | Where-Object { $_ })
    if ($there -ccontains $RedirectUri) { return }
    if (-not (Approve $DisplayName "Add the redirect URI $RedirectUri")) { return }
    $uris = @($there) + $RedirectUri
    if ($RedirectIsWeb) {
        # What else stands there is said again, so that nothing of it is lost.
        $web = @{ RedirectUris = $uris }
        if ($App.Web.HomePageUrl) { $web.HomePageUrl = $App.Web.HomePageUrl }
        if ($App.Web.LogoutUrl) { $web.LogoutUrl = $App.Web.LogoutUrl }
        $web.ImplicitGrantSettings = @{
            EnableAccessTokenIssuance = [bool] $App.Web.ImplicitGrantSettings.EnableAccessTokenIssuance
            EnableIdTokenIssuance     = [bool] $App.Web.ImplicitGrantSettings.EnableIdTokenIssuance
        }
        Update-MgApplication -ApplicationId $App.Id -Web $web
    }
    else {
        Update-MgApplication -ApplicationId $App.Id -PublicClient @{ RedirectUris = $uris }
    }
}

function Set-PublicFlow($App) {
    if (-not $PublicFlows -or $App.IsFallbackPublicClient) { return }
    if (Approve $DisplayName 'Allow public client flows: this app has no secret') {
        Update-MgApplication -ApplicationId $App.Id -IsFallbackPublicClient:$true
    }
}

function Set-Certificate($App) {
    if (-not $Certificate) { return }
    $there = @($App.KeyCredentials | Where-Object { $_ })
    foreach ($known in $there) {
        if ($known.CustomKeyIdentifier -and [Convert]::ToBase64String($known.CustomKeyIdentifier) -eq $CertificateThumbprint) { return }
    }
    if ($there.Count -gt 0) {
        # Entra ID would drop the others: their keys can't be read to be sent along.
        Write-Warning 'The app has other certificates: upload app.cer in the portal, under Certificates & secrets.'
        return
    }
    if (Approve $DisplayName 'Upload the certificate that proves the app') {
        $key = @{ Type = 'AsymmetricX509Cert'; Usage = 'Verify'; Key = [Convert]::FromBase64String($Certificate) }
        Update-MgApplication -ApplicationId $App.Id -KeyCredentials @($key)
    }
}

function Set-Permission($App, $Wanted) {
    $access = @(foreach ($entry in @($App.RequiredResourceAccess | Where-Object { $_ })) {
        $listed = @($entry.ResourceAccess | ForEach-Object { @{ Id = $_.Id; Type = $_.Type } })
        @{ ResourceAppId = $entry.ResourceAppId; ResourceAccess = $listed }
    })
    $own = Select-One ($access | Where-Object { $_.ResourceAppId -eq $ResourceAppId })
    if (-not $own) {
        $own = @{ ResourceAppId = $ResourceAppId; ResourceAccess = @() }
        $access += $own
    }
    $known = @($own.ResourceAccess | ForEach-Object { "$($_.Id)" })
    $missing = @($Wanted | Where-Object { $known -notcontains "$($_.Id)" })
    if ($missing.Count -eq 0) { return }
    if (Approve $DisplayName "Add the permissions $($Permissions -join ', ')") {
        $own.ResourceAccess = @($own.ResourceAccess) + $missing
        Update-MgApplication -ApplicationId $App.Id -RequiredResourceAccess $access
    }
}
