[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    # Both, or one of the two
    [ValidateSet('Both', 'Entra', 'Exchange')]
    [string] $Part = 'Both',

    # Application (client) ID of the app registration, if there is one already
    [ValidatePattern('^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$')]
    [string] $ClientId = 'CLIENT_ID',

    # Object ID of its enterprise application; only -Part Exchange needs it
    [ValidatePattern('^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$')]
    [string] $ObjectId = '',

    # What the app is called where it has to be registered first
    [ValidateLength(1, 100)]
    [string] $DisplayName = 'saslgate'
)
