# --- Exchange: the mailboxes ---

function Connect-Exchange {
    Import-Module ExchangeOnlineManagement
    $how = @{ ShowBanner = $false; ExchangeEnvironmentName = $ExchangeEnvironment }
    # The window of Windows for signing in fails beside Graph's libraries; a browser does not.
    if ((Get-Command Connect-ExchangeOnline).Parameters.ContainsKey('DisableWAM')) { $how.DisableWAM = $true }
    Connect-ExchangeOnline @how
}

# Exchange has a list of its own of the apps that it lets in.
function Set-ExchangePrincipal([string] $AppId, [string] $PrincipalId) {
    $known = if ($AppId) { Select-One (Get-ServicePrincipal | Where-Object { "$($_.AppId)" -eq $AppId }) }
    if ($known -and $PrincipalId -and "$($known.ObjectId)" -ne $PrincipalId) {
        throw "Exchange knows the app by the Object ID $($known.ObjectId), and it is $PrincipalId. Run Remove-ServicePrincipal -Identity $($known.ObjectId), then this again."
    }
    if (-not $known -and (Approve $DisplayName 'Make the app known to Exchange')) {
        if (-not $PrincipalId) { throw 'The Object ID of the enterprise application is needed: -ObjectId' }
        $known = New-ServicePrincipal -AppId $AppId -ObjectId $PrincipalId -DisplayName $DisplayName
    }
    return $known
}

function Set-Mailbox365($Principal) {
    foreach ($mailbox in $Mailboxes) {
        if ($AppOnly -and (Approve $mailbox 'Give the app Full Access to this mailbox')) {
            # Where it is there already, Exchange says so and changes nothing.
            $null = Add-MailboxPermission -Identity $mailbox -User $Principal.Identity -AccessRights FullAccess -Confirm:$false
        }
        if ($SignsInAs -and (Approve $mailbox 'Give Full Access to whoever signs in for this mailbox')) {
            $null = Add-MailboxPermission -Identity $mailbox -User $SignsInAs -AccessRights FullAccess -Confirm:$false
        }
        if ($SignsInAs -and $UsesSmtp -and (Approve $mailbox 'Let whoever signs in for this mailbox send as it')) {
            $null = Add-RecipientPermission -Identity $mailbox -Trustee $SignsInAs -AccessRights SendAs -Confirm:$false
        }
        $switches = Get-CASMailbox -Identity $mailbox
        if ($UsesImap -and -not $switches.ImapEnabled -and (Approve $mailbox 'Switch IMAP on')) {
            Set-CASMailbox -Identity $mailbox -ImapEnabled $true -Confirm:$false
        }
        if ($UsesPop -and -not $switches.PopEnabled -and (Approve $mailbox 'Switch POP on')) {
            Set-CASMailbox -Identity $mailbox -PopEnabled $true -Confirm:$false
        }
    }
    # SMTP AUTH is a switch of whoever signs in.
    $senders = if ($SignsInAs) { @($SignsInAs) } else { $Mailboxes }
    foreach ($sender in $senders) {
        $switches = Get-CASMailbox -Identity $sender
        if ($UsesSmtp -and $switches.SmtpClientAuthenticationDisabled -ne $false -and (Approve $sender 'Switch SMTP AUTH on')) {
            Set-CASMailbox -Identity $sender -SmtpClientAuthenticationDisabled $false -Confirm:$false
        }
    }
}
