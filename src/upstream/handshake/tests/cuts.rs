//! However the network cuts what an upstream says, the same is said back.

use proptest::prelude::*;

use super::{Scene, TOKEN, borders, conversations, play};

fn scenes() -> impl Iterator<Item = &'static Scene> {
    conversations::SCENES.iter().chain(borders::SCENES)
}

/// The ends of a conversation whose bytes in clear come cut: behind STARTTLS the socket may already be TLS's.
fn is_about_bytes_behind_starttls(scene: &Scene) -> bool {
    scene.script.contains("bytes in clear")
}

#[test]
fn every_piece_size_gives_the_same_conversation() {
    let mut played = 0;
    for scene in scenes().filter(|scene| !is_about_bytes_behind_starttls(scene)) {
        let said = scene.said_by_upstream();
        let longest = said.iter().map(Vec::len).max().unwrap_or_default();
        for size in 1..=longest {
            let pieces: Vec<Vec<&[u8]>> = said.iter().map(|phase| phase.chunks(size).collect()).collect();
            assert_eq!(
                play(scene, &pieces, TOKEN).0,
                scene.ours(),
                "{} by {size}",
                scene.about
            );
            played += 1;
        }
    }
    assert!(played > 4000, "{played}");
}

/// Bytes behind the yes to STARTTLS end it, unless they come so late that TLS itself has to choke on them.
#[test]
fn bytes_behind_starttls_are_never_read_as_lines() {
    let mut played = 0;
    for scene in scenes().filter(|scene| is_about_bytes_behind_starttls(scene)) {
        let said = scene.said_by_upstream().concat();
        for at in 1..said.len() {
            let (ours, overheard) = play(scene, &[vec![&said[..at], &said[at..]]], TOKEN);
            let last = ours.last().unwrap();
            let choked = ours.contains(&"-- TLS --".to_owned());
            assert!(choked || *last == scene.ours()[scene.ours().len() - 1], "{last}");
            assert!(
                !overheard.contains("250-x") && !overheard.contains("ALERT"),
                "{overheard}"
            );
            played += 1;
        }
    }
    assert!(played > 150, "{played}");
}

proptest! {
    #[test]
    fn random_cuts_give_the_same_conversation(index in 0..conversations::SCENES.len(), cuts in prop::collection::vec(1..40_usize, 1..80)) {
        let scene = &conversations::SCENES[index];
        let said = scene.said_by_upstream();
        let pieces: Vec<Vec<&[u8]>> = said.iter().map(|phase| cut(phase, &cuts)).collect();
        prop_assert_eq!(play(scene, &pieces, TOKEN).0, scene.ours());
    }
}

fn cut<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
