# --- Asking before each change ---

Set-StrictMode -Version 1.0
$ErrorActionPreference = 'Stop'
$Caller = $PSCmdlet

# Shows what would be done with -WhatIf, and otherwise asks.
function Approve([string] $Target, [string] $Action) {
    return $Caller.ShouldProcess($Target, $Action)
}

# The first thing that Entra ID finds, or nothing.
function Select-One($Found) {
    return @($Found | Where-Object { $_ }) | Select-Object -First 1
}
