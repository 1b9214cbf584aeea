# Mail::IMAPClient, Net::POP3 and Net::SMTP.
use strict;
use warnings;
use Net::POP3;
use Net::SMTP;
use Mail::IMAPClient;

my ($protocol, $mode, $host, $port, $user, $password, $ca) =
    map { $ENV{"DOOR_$_"} } qw(PROTOCOL MODE HOST PORT USER PASSWORD CA);
my %tls = (SSL_ca_file => $ca, SSL_verify_mode => 1, SSL_verifycn_name => $host);

sub keep {
    my ($number, $message) = @_;
    open my $out, '>:raw', "got/$number" or die $!;
    print $out $message;
    close $out;
}

sub imap {
    my $session = Mail::IMAPClient->new(
        Server => $host, Port => $port, User => $user, Password => $password, Uid => 1, Peek => 1, Timeout => 60,
        ($mode eq 'implicit' ? (Ssl => [%tls]) : ()),
        ($mode eq 'starttls' ? (Starttls => [%tls]) : ()),
    ) or die "IMAP: $@\n";
    $session->examine('INBOX') or die $session->LastError;
    keep($_, $session->message_string($_) // die $session->LastError) for $session->messages;
    $session->logout;
}

sub pop3 {
    my $session = Net::POP3->new($host, Port => $port, Timeout => 60, $mode eq 'implicit' ? (SSL => 1, %tls) : ())
        or die "POP3: $@\n";
    $mode eq 'starttls' and ($session->starttls(%tls) or die 'STLS: ' . $session->message);
    defined $session->login($user, $password) or die 'login: ' . $session->message;
    for my $number (keys %{ $session->list }) {
        my @lines = @{ $session->get($number) or die $session->message };
        # Without TLS Net::Cmd reads the lines and gives them LF ends; with TLS IO::Socket::SSL leaves CRLF.
        $mode eq 'plain' and s/\n\z/\r\n/ for @lines;
        keep($number, join '', @lines);
    }
    $session->quit;
}

sub smtp {
    my $session = Net::SMTP->new($host, Port => $port, Timeout => 60, $mode eq 'implicit' ? (SSL => 1, %tls) : ())
        or die "SMTP: $@\n";
    $mode eq 'starttls' and ($session->starttls(%tls) or die 'STARTTLS: ' . $session->message);
    $session->auth($user, $password) or die 'auth: ' . $session->code . ' ' . $session->message;
    open my $in, '<:raw', $ENV{LETTER} or die $!;
    $session->mail($ENV{LETTER_FROM}) && $session->to($ENV{LETTER_TO}) && $session->data([<$in>])
        or die 'send: ' . $session->code . ' ' . $session->message;
    $session->quit;
}

{ imap => \&imap, pop3 => \&pop3, smtp => \&smtp }->{$protocol}->();
