# net-imap, net-pop and net-smtp.
require "net/imap"
require "net/pop"
require "net/smtp"
require "openssl"

protocol, mode, host, port, user, password, ca =
  %w[PROTOCOL MODE HOST PORT USER PASSWORD CA].map { |name| ENV.fetch("DOOR_#{name}") }
verify = { ca_file: ca, verify_mode: OpenSSL::SSL::VERIFY_PEER }

imap = lambda do
  session = Net::IMAP.new(host, port: port.to_i, ssl: mode == "implicit" ? verify : false)
  session.starttls(verify) if mode == "starttls"
  session.login(user, password)
  session.examine("INBOX")
  session.search(["ALL"]).each do |number|
    File.binwrite("got/#{number}", session.fetch(number, "BODY.PEEK[]")[0].attr["BODY[]"])
  end
  session.logout
  session.disconnect
end

pop3 = lambda do
  session = Net::POP3.new(host, port.to_i)
  session.enable_ssl(OpenSSL::SSL::VERIFY_PEER, ca) if mode == "implicit"
  session.start(user, password) do |pop|
    pop.each_mail { |mail| File.binwrite("got/#{mail.number}", mail.pop) }
  end
end

smtp = lambda do
  session = Net::SMTP.new(host, port.to_i, tls: mode == "implicit", starttls: mode == "starttls" && :always, ssl_context_params: verify)
  session.start("interop.example.org", user, password, :plain) do |out|
    out.send_message(File.binread(ENV.fetch("LETTER")), ENV.fetch("LETTER_FROM"), ENV.fetch("LETTER_TO"))
  end
end

{ "imap" => imap, "pop3" => pop3, "smtp" => smtp }.fetch(protocol).call
