"""The mail clients, in the order of the matrix."""

from clients.curl import Curl
from clients.fetchmail import Fetchmail
from clients.getmail import Getmail
from clients.mailutil import Mailutil
from clients.marlam import Mpop, Msmtp
from clients.mirrors import Mbsync, Offlineimap
from clients.mutt import Mutt, Neomutt
from clients.postfix import Postfix
from clients.scripted import Java, Perl, Php, Python, Ruby
from clients.senders import GitSendEmail, Swaks
from clients.snail import Snail

ALL = [
    Curl(), Python(), Mutt(), Neomutt(), Fetchmail(), Getmail(), Mpop(), Msmtp(), Mbsync(), Offlineimap(),
    Swaks(), Snail(), GitSendEmail(), Postfix(), Perl(), Java(), Mailutil(), Php(), Ruby(),
]
