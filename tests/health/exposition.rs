//! A strict reader of `OpenMetrics` 1.0 text: whatever Prometheus would stumble over, this one refuses.
#![allow(dead_code)] // two tests share it, and neither needs all of it

use std::collections::BTreeSet;

/// One metric with its series.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

/// One line with a value.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Family {
    /// The name that a query uses.
    pub(crate) fn queried(&self) -> String {
        match self.kind.as_str() {
            "counter" => format!("{}_total", self.name),
            "info" => format!("{}_info", self.name),
            _ => self.name.clone(),
        }
    }

    /// The keys of its labels, without the bound of a bucket.
    pub(crate) fn keys(&self) -> BTreeSet<&str> {
        let keys = |sample: &Sample| -> BTreeSet<String> {
            let keys = sample.labels.iter().map(|(key, _)| key.clone());
            keys.filter(|key| key != "le").collect()
        };
        let first = keys(&self.samples[0]);
        assert!(
            self.samples.iter().all(|sample| keys(sample) == first),
            "{}",
            self.name
        );
        let keys = self.samples[0].labels.iter().map(|(key, _)| key.as_str());
        keys.filter(|key| *key != "le").collect()
    }
}

/// The value of a series as a query names it, such as `saslgate_logins_total{outcome="accepted",protocol="imap"}`.
pub(crate) fn value(families: &[Family], series: &str) -> Option<f64> {
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let wanted = labels_of(labels.strip_suffix('}').unwrap());
    let mut samples = families.iter().flat_map(|family| &family.samples);
    let found = samples.find(|sample| sample.name == name && sample.labels == wanted);
    found.map(|sample| sample.value)
}

/// Reads a page.
pub(crate) fn read(page: &str) -> Vec<Family> {
    let body = page.strip_suffix("# EOF\n").expect("the page ends with # EOF");
    let mut families: Vec<Family> = Vec::new();
    let mut lines = body.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line
            .strip_prefix("# HELP ")
            .unwrap_or_else(|| panic!("HELP expected: {line}"));
        let (name, help) = help.split_once(' ').unwrap();
        let kind = lines
            .next()
            .and_then(|line| line.strip_prefix("# TYPE "))
            .unwrap();
        let (typed, kind) = kind.split_once(' ').unwrap();
        assert_eq!(name, typed);
        let mut samples = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            samples.push(sample(line));
        }
        assert!(
            !families.iter().any(|known| known.name == name),
            "{name} stands twice"
        );
        families.push(Family {
            name: name.to_owned(),
            kind: kind.to_owned(),
            help: help.to_owned(),
            samples,
        });
    }
    families.iter().for_each(check);
    families
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels_of(labels.strip_suffix('}').unwrap())),
        None => (series, Vec::new()),
    };
    Sample {
        name: name.to_owned(),
        labels,
        value: value.parse().unwrap_or_else(|_| panic!("no number: {line}")),
    }
}

/// `key="value",…`, with `\\`, `\"` and `\n` in values.
fn labels_of(text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"").unwrap();
        assert!(is_name(key), "{text}");
        let (mut value, mut characters) = (String::new(), after.char_indices());
        let end = loop {
            match characters.next().expect("a label's value ends") {
                (at, '"') => break at,
                (_, '\\') => match characters.next().unwrap().1 {
                    'n' => value.push('\n'),
                    other @ ('\\' | '"') => value.push(other),
                    other => panic!("\\{other} in {text}"),
                },
                (_, other) => value.push(other),
            }
        };
        labels.push((key.to_owned(), value));
        rest = &after[end + 1..];
        if let Some(more) = rest.strip_prefix(',') {
            assert!(!more.is_empty(), "{text}");
            rest = more;
        } else {
            assert!(rest.is_empty(), "{text}");
        }
    }
    labels.sort();
    labels
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.bytes().all(plain) && !name.as_bytes()[0].is_ascii_digit()
}

fn check(family: &Family) {
    let Family {
        name,
        kind,
        help,
        samples,
    } = family;
    assert!(is_name(name), "{name}");
    assert!(!samples.is_empty(), "{name} has no series");
    assert!(
        help.ends_with('.') && !help.ends_with("..") && !help.contains('\\'),
        "{help}"
    );
    let suffixes: &[&str] = match kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_sum", "_count"],
        other => panic!("{name} is a {other}"),
    };
    let mut seen = BTreeSet::new();
    for sample in samples {
        let suffix = sample.name.strip_prefix(name.as_str()).unwrap();
        assert!(suffixes.contains(&suffix), "{} in {name}", sample.name);
        assert!(
            seen.insert((&sample.name, &sample.labels)),
            "{sample:?} stands twice"
        );
        assert!(kind == "gauge" || sample.value >= 0.0, "{sample:?}");
    }
    if kind == "histogram" {
        check_buckets(family);
    }
}

/// Buckets rise, and the last is the count.
fn check_buckets(family: &Family) {
    let of = |suffix: &str| -> Vec<&Sample> {
        let name = family.name.clone() + suffix;
        let samples = family.samples.iter();
        samples.filter(|sample| sample.name == name).collect()
    };
    let counts = of("_count");
    assert_eq!(of("_sum").len(), counts.len());
    for count in counts {
        let is_of = |sample: &&&Sample| count.labels.iter().all(|label| sample.labels.contains(label));
        let buckets = of("_bucket");
        let buckets: Vec<_> = buckets.iter().filter(is_of).collect();
        let bound = |sample: &Sample| -> f64 {
            let le = sample.labels.iter().find(|(key, _)| key == "le").unwrap();
            le.1.replace("+Inf", "inf").parse().unwrap()
        };
        assert!(buckets.len() > 2);
        for two in buckets.windows(2) {
            assert!(bound(two[0]) < bound(two[1]) && two[0].value <= two[1].value);
        }
        let last = buckets.last().unwrap();
        assert!(bound(last).is_infinite() && (last.value - count.value).abs() < f64::EPSILON);
    }
}
