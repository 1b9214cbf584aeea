//! Problems for a person at a terminal: the source line, a caret, the fix. For logs and scripts they are written one a
//! line by their own `Display`.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::problem::{Problem, Problems, Severity};

/// Problems as a terminal shows them, with colours: who prints them strips those where they are not wanted.
///
/// The source lines are the masked ones that problems carry, never the file's own.
pub fn snippets(problems: &Problems) -> String {
    let renderer = Renderer::styled().decor_style(DecorStyle::Ascii);
    let shown = problems
        .list
        .iter()
        .map(|problem| renderer.render(&[group(problem)]));
    let more = Some(problems.unlisted())
        .filter(|more| *more > 0)
        .map(|more| format!("and {more} more"));
    shown.chain(more).map(|one| one + "\n\n").collect()
}

fn group(problem: &Problem) -> Group<'_> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.what.as_str());
    let group = match &problem.place {
        Some(place) => {
            let mark = AnnotationKind::Primary
                .span(place.mark.clone())
                .label(problem.why.as_str());
            let snippet = Snippet::source(place.excerpt.as_str())
                .path(&*problem.file)
                .line_start(place.line);
            title.element(snippet.annotation(mark))
        }
        None => title
            .element(Origin::path(&*problem.file))
            .element(Level::NOTE.message(problem.why.as_str())),
    };
    group.element(Level::HELP.message(problem.fix.as_str()))
}
