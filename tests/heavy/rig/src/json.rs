//! The simulator's lines: flat JSON objects of strings and numbers, sometimes one within another.

/// The string or number behind `"name":`, wherever it stands.
pub fn field(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
    let Some(text) = rest.strip_prefix('"') else {
        return Some(rest.chars().take_while(|c| !",}]".contains(*c)).collect());
    };
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

/// The same as a number; 0 if there is none.
pub fn number(line: &str, name: &str) -> u64 {
    field(line, name).and_then(|text| text.parse().ok()).unwrap_or(0)
}
