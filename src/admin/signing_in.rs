//! A sign-in that goes on in a browser: what its order has told so far, and the page that shows it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::session::Mark;
use crate::control::{News, Operator, Told, TroubleTold, Word};
use crate::secret::Secret;

/// Sign-ins at one time.
const AT_ONCE: usize = 64;

/// After so long what came of a sign-in is not shown any more.
const SHOWN: Duration = Duration::from_secs(60 * 60);

/// How long a sign-in whose browser begins anew gets to notice.
const MAKE_WAY: Duration = Duration::from_secs(2);

/// Every sign-in, by the mark of its browser's cookie.
#[derive(Default)]
pub(super) struct SignIns(Mutex<HashMap<Mark, (Instant, Arc<SigningIn>)>>);

/// One of them.
pub(super) struct SigningIn {
    progress: watch::Receiver<Progress>,
    words: mpsc::Sender<Word>,
    /// Whether an operator began it, who is told more than the owner of a mailbox.
    pub(super) by_operator: bool,
    hearing: AbortOnDropHandle<()>,
    order: Mutex<Option<JoinHandle<()>>>,
}

/// How far it is.
#[derive(Clone, Default)]
pub(super) struct Progress {
    /// What the person has to do.
    pub(super) wanted: Option<Wanted>,
    /// Nothing has come back for a while: which redirect URI the registration has to have.
    pub(super) silence: Option<String>,
    /// How often something came back that was not taken, and why the last time.
    pub(super) strange: (u32, String),
    /// The mailbox that is being opened, and as whom.
    pub(super) probing: Option<(String, String)>,
    /// How it ended.
    pub(super) end: Option<End>,
}

/// What a person who signs in has to do.
#[derive(Clone)]
pub(super) enum Wanted {
    /// Open this address.
    Open {
        /// The address. It is for that browser alone.
        url: Arc<Secret<String>>,
        /// Who has to sign in there.
        owner: String,
    },
    /// Type a code.
    Type {
        /// The code. It is for whoever began this alone.
        code: Arc<Secret<String>>,
        /// Where.
        at: String,
        /// Who has to sign in there.
        owner: String,
        /// Until when.
        until: Instant,
    },
}

/// How a sign-in ended.
#[derive(Clone)]
pub(super) enum End {
    /// It is kept.
    SignedIn {
        account: String,
        owner: Option<String>,
        remarks: Vec<String>,
    },
    /// It is not.
    Refused(TroubleTold),
}

impl SignIns {
    /// What a browser with that mark is doing.
    pub(super) fn of(&self, mark: &Mark) -> Option<Arc<SigningIn>> {
        let (begun, sign_in) = self.all().get(mark).cloned()?;
        (begun.elapsed() < SHOWN).then_some(sign_in)
    }

    /// Takes one in.
    pub(super) fn keep(&self, mark: Mark, sign_in: Arc<SigningIn>) {
        let mut all = self.all();
        all.retain(|_, (begun, _)| begun.elapsed() < SHOWN);
        if all.len() >= AT_ONCE {
            // Those that have ended go first, then the oldest.
            let last = all
                .iter()
                .min_by_key(|(_, (begun, one))| (one.now().end.is_none(), *begun));
            let last = last.map(|(mark, _)| *mark);
            last.and_then(|last| all.remove(&last));
        }
        all.insert(mark, (Instant::now(), sign_in));
    }

    /// Ends the one that a browser had begun before: it can do one at a time.
    pub(super) async fn make_way(&self, mark: &Mark) {
        let before = self.all().remove(mark);
        if let Some((_, sign_in)) = before {
            sign_in.give_up().await;
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Mark, (Instant, Arc<SigningIn>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SigningIn {
    /// Hears what the order tells, until it ends or saslgate does.
    pub(super) fn begin(
        (operator, order): (Operator, JoinHandle<()>),
        by_operator: bool,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let (tell, progress) = watch::channel(Progress::default());
        let (words, said) = mpsc::channel(1);
        let hearing = tokio::spawn(async move {
            tokio::select! {
                () = hear(operator, said, tell) => {}
                () = stop.cancelled() => {}
            }
        });
        Arc::new(Self {
            progress,
            words,
            by_operator,
            hearing: AbortOnDropHandle::new(hearing),
            order: Mutex::new(Some(order)),
        })
    }

    /// How far it is.
    pub(super) fn now(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// How far it is as soon as that is so far, or after that time.
    pub(super) async fn when(&self, patience: Duration, is_far: impl FnMut(&Progress) -> bool) -> Progress {
        let mut progress = self.progress.clone();
        let _ = timeout(patience, progress.wait_for(is_far)).await;
        self.now()
    }

    /// Hands on what a browser has brought back.
    pub(super) async fn landed(&self, target: Secret<String>) {
        let _ = self.words.send(Word::Landed(Told(target))).await;
    }

    /// Hangs up, and waits a moment until the order has noticed. What was redeemed already is kept all the same.
    async fn give_up(&self) {
        self.hearing.abort();
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(order) = order {
            let _ = timeout(MAKE_WAY, order).await;
        }
    }
}

async fn hear(mut operator: Operator, mut said: mpsc::Receiver<Word>, tell: watch::Sender<Progress>) {
    loop {
        let news = tokio::select! {
            news = operator.hear() => news,
            Some(word) = said.recv() => {
                operator.tell(word).await;
                continue;
            }
        };
        let is_over = matches!(news, None | Some(News::Done));
        tell.send_modify(|progress| match news {
            Some(news) => progress.heard(news),
            None => progress.over(),
        });
        if is_over {
            return;
        }
    }
}

impl Progress {
    fn heard(&mut self, news: News) {
        match news {
            News::OpenBrowser { url, owner, .. } => {
                self.wanted = Some(Wanted::Open {
                    url: Arc::new(url.0),
                    owner,
                });
            }
            News::TypeCode {
                user_code,
                verification_uri,
                seconds,
                owner,
                ..
            } => {
                self.wanted = Some(Wanted::Type {
                    code: Arc::new(Secret::new(user_code)),
                    at: verification_uri,
                    owner,
                    until: Instant::now() + Duration::from_secs(seconds),
                });
            }
            News::Silence { redirect_uri, .. } => self.silence = Some(redirect_uri),
            News::NotThat(why) => self.strange = (self.strange.0 + 1, why),
            News::Probing { mailbox, owner } => self.probing = Some((mailbox, owner)),
            News::SignedIn {
                account,
                owner,
                remarks,
                ..
            } => {
                self.end = Some(End::SignedIn {
                    account,
                    owner,
                    remarks,
                });
            }
            News::Refused(trouble) => self.end = Some(End::Refused(trouble)),
            News::Done => self.over(),
            _ => {}
        }
    }

    /// Nothing more will come.
    fn over(&mut self) {
        self.end
            .get_or_insert_with(|| End::Refused(super::routes::ended()));
    }
}
