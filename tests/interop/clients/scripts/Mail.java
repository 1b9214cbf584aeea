// javax.mail: IMAP, POP3 and SMTP.
import java.io.BufferedOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Properties;
import javax.mail.Folder;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Store;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

public class Mail {
    static String door(String name) {
        return System.getenv("DOOR_" + name);
    }

    public static void main(String[] arguments) throws Exception {
        String scheme = door("PROTOCOL") + (door("MODE").equals("implicit") ? "s" : "");
        Session session = Session.getInstance(settings("mail." + scheme + "."));
        if (door("PROTOCOL").equals("smtp")) {
            send(session, scheme);
        } else {
            fetch(session, scheme);
        }
    }

    static Properties settings(String prefix) throws Exception {
        Properties settings = new Properties();
        settings.put(prefix + "ssl.socketFactory", trusting(door("CA")));
        settings.put(prefix + "ssl.checkserveridentity", "true");
        settings.put(prefix + "starttls.enable", door("MODE").equals("starttls"));
        settings.put(prefix + "starttls.required", door("MODE").equals("starttls"));
        settings.put(prefix + "auth", "true");
        settings.put(prefix + "fetchsize", "1048576");
        return settings;
    }

    static SSLSocketFactory trusting(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = new FileInputStream(file)) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    static void fetch(Session session, String scheme) throws Exception {
        Store store = session.getStore(scheme);
        store.connect(door("HOST"), Integer.parseInt(door("PORT")), door("USER"), door("PASSWORD"));
        Folder folder = store.getFolder("INBOX");
        folder.open(Folder.READ_ONLY);
        for (Message message : folder.getMessages()) {
            String name = "got/" + message.getMessageNumber();
            // POP3 writes octet by octet.
            try (OutputStream out = new BufferedOutputStream(new FileOutputStream(name), 1 << 16)) {
                message.writeTo(out);
            }
        }
        folder.close(false);
        store.close();
    }

    static void send(Session session, String scheme) throws Exception {
        try (InputStream in = new FileInputStream(System.getenv("LETTER"))) {
            MimeMessage message = new MimeMessage(session, in);
            Transport transport = session.getTransport(scheme);
            transport.connect(door("HOST"), Integer.parseInt(door("PORT")), door("USER"), door("PASSWORD"));
            transport.sendMessage(message, InternetAddress.parse(System.getenv("LETTER_TO")));
            transport.close();
        }
    }
}
