# READ BEFORE RUN. Written by `saslgate setup`. There is no secret in it, and it makes none.
#
# What it does, each step only if it is not done yet, and only after you said yes to it:
#   in Entra ID   registers an app of this tenant alone, with its WHAT, and consents to those
#   in Exchange   lets the app into the mailboxes below, where it acts for itself, and switches on the protocols they need
# In the end it prints the [app] table of saslgate.toml.
#
#   .\THIS_FILE.ps1 -WhatIf     signs in, and shows what it would do; nothing is changed
#   .\THIS_FILE.ps1             asks before each change: Y for one, A for all that follow
#
# It can be run again at any time. It needs, once:
#   Install-Module Microsoft.Graph.Applications, Microsoft.Graph.Identity.SignIns, ExchangeOnlineManagement -Scope CurrentUser
# and somebody who may consent for the tenant (Global Administrator, or Cloud Application Administrator where somebody has consented to
# these modules before) and who is Exchange Administrator.
#
# The two modules bring libraries that can get in each other's way in one window: if the second sign-in fails, run
#   .\THIS_FILE.ps1 -Part Entra        and, in a new window, the line that it prints in the end (-Part Exchange)

#Requires -Version 5.1
