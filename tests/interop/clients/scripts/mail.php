<?php
// ext/imap, which is c-client: IMAP and POP3.
[$protocol, $mode, $host, $port, $user, $password] =
    array_map(fn($name) => getenv("DOOR_$name"), ['PROTOCOL', 'MODE', 'HOST', 'PORT', 'USER', 'PASSWORD']);
$flags = ['plain' => '/notls', 'starttls' => '/tls', 'implicit' => '/ssl'][$mode];
$session = imap_open("{{$host}:$port/$protocol$flags}INBOX", $user, $password, $protocol === 'imap' ? OP_READONLY : 0, 1);
if (!$session) {
    fwrite(STDERR, implode("\n", imap_errors() ?: []) . "\n");
    exit(1);
}
for ($number = 1; $number <= imap_num_msg($session); $number++) {
    imap_savebody($session, "got/$number", $number, '', FT_PEEK) or exit(2);
}
imap_close($session);
