# --- Entra ID: the enterprise application, and consent for everybody ---

function Set-Principal($App) {
    $principal = if ($App) { Select-One (Get-MgServicePrincipal -Filter "appId eq '$($App.AppId)'") }
    if (-not $principal -and (Approve $DisplayName 'Make its enterprise application')) {
        $principal = New-MgServicePrincipal -AppId $App.AppId
    }
    return $principal
}

function Set-AppConsent($Principal, $Resource, $Wanted) {
    $given = if ($Principal) {
        Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Principal.Id -All | ForEach-Object { "$($_.AppRoleId)" }
    }
    foreach ($permission in $Wanted) {
        if (@($given) -contains "$($permission.Id)") { continue }
        $name = ($Resource.AppRoles | Where-Object { "$($_.Id)" -eq "$($permission.Id)" }).Value
        if (-not (Approve $DisplayName "Consent to $name for the whole tenant")) { continue }
        $null = New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Principal.Id -PrincipalId $Principal.Id -ResourceId $Resource.Id -AppRoleId $permission.Id
    }
}

function Set-DelegatedConsent($Principal, $Resource) {
    $grant = if ($Principal) {
        $all = Get-MgOauth2PermissionGrant -Filter "clientId eq '$($Principal.Id)'" -All
        Select-One ($all | Where-Object { $_.ConsentType -eq 'AllPrincipals' -and $_.ResourceId -eq $Resource.Id })
    }
    $there = if ($grant) { @($grant.Scope -split ' ' | Where-Object { $_ }) } else { @() }
    $missing = @($Permissions | Where-Object { $there -notcontains $_ })
    if ($missing.Count -eq 0) { return }
    if (-not (Approve $DisplayName "Consent to $($missing -join ', ') for everybody of the tenant")) { return }
    $scope = (@($there) + $missing) -join ' '
    if ($grant) {
        $change = @{ OAuth2PermissionGrantId = $grant.Id; Scope = $scope }
        Update-MgOauth2PermissionGrant @change
    }
    else {
        $null = New-MgOauth2PermissionGrant -ClientId $Principal.Id -ConsentType 'AllPrincipals' -ResourceId $Resource.Id -Scope $scope
    }
}
