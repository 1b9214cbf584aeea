//! Nobody ever gets another's token.

use std::hash::{BuildHasher, RandomState};

use super::*;

/// Gives each mailbox a token with its name in it, or fails, or gives one that dies soon.
struct Named(Mutex<u64>);

impl Named {
    /// One of so many, by a linear congruential generator: the run is the same for a seed.
    fn one_of(state: &mut u64, many: u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % many
    }
}

impl Source for Named {
    fn mint(&self, request: Arc<TokenRequest>) -> Minting {
        let mut state = self.0.lock().unwrap();
        let (luck, number) = (Self::one_of(&mut state, 10), *state);
        Box::pin(async move {
            sleep(Duration::from_millis(luck * 400)).await;
            match luck {
                0..=3 => Err(outage()),
                4 => Ok(issued(&format!("{}#{number}", request.owner), 60)),
                _ => Ok(issued(&format!("{}#{number}", request.owner), 900)),
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_always_the_one_of_the_mailbox_that_logs_in() {
    let mut seed = RandomState::new().hash_one(0);
    let printed = seed;
    let clock = Rig::new().clock;
    let tokens = Tokens::with(Box::new(Named(Mutex::new(seed))), Box::new(clock));
    tokens.renew_ahead();
    let app = command();
    let users: Vec<TokenRequest> = (0..64)
        .map(|user| request(&app, &format!("user{user}@contoso.com")))
        .collect();
    let (mut served, mut refused, mut waiting) = (0, 0, Vec::new());
    for _ in 0..10_000 {
        let user = &users[usize::try_from(Named::one_of(&mut seed, 64)).unwrap()];
        waiting.push((user, tokens.request(user.clone())));
        if Named::one_of(&mut seed, 4) == 0 {
            pass(Named::one_of(&mut seed, 20)).await;
            for (user, login) in waiting.drain(..) {
                let Ok(token) = login.token().await else {
                    refused += 1;
                    continue;
                };
                // Now and then upstream refuses it.
                let retry = (Named::one_of(&mut seed, 8) == 0)
                    .then(|| login.another(&token))
                    .flatten();
                let other = match retry {
                    Some(retry) => retry.token().await.ok(),
                    None => None,
                };
                for token in [Some(token), other].into_iter().flatten() {
                    let (owner, _) = token.secret().expose().split_once('#').unwrap();
                    assert_eq!(owner, user.owner.as_str(), "seed {printed}");
                    served += 1;
                }
            }
        }
    }
    assert!(
        served > 5_000 && refused > 100,
        "{served} served, {refused} refused, seed {printed}"
    );
}
