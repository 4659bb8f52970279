//! What is wrong with a JSON text, said without repeating it.

use std::fmt;

use serde_json::error::Category;

use crate::scan;

/// Not JSON, or a field that is missing, doubled or of the wrong type.
///
/// Neither `Display` nor `Debug` quotes a value: a password in the wrong place must not end up in a log. That is why
/// serde_json's own error, which does quote, is not kept as a source either.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonError {
    sentence: String,
    field: Option<String>,
}

impl JsonError {
    /// The field of the outermost object that is at fault, if it is one field's fault.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    pub(crate) fn new(error: &serde_json::Error, text: &str) -> JsonError {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let cause = error.to_string();
        let cause = cause.strip_suffix(&place).unwrap_or(&cause);
        match error.classify() {
            // These sentences are constants of serde_json.
            Category::Syntax | Category::Eof | Category::Io => {
                JsonError { sentence: format!("{cause}{place}"), field: None }
            }
            Category::Data => {
                let key = || scan::key_before(text, offset_of(error, text));
                let field = named_field(cause).or_else(key).filter(|name| is_plain(name));
                JsonError { sentence: without_value(cause), field: field.map(str::to_owned) }
            }
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field
            && !self.sentence.contains('`')
        {
            write!(f, "field `{field}`: ")?;
        }
        f.write_str(&self.sentence)
    }
}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonError({self})")
    }
}

impl std::error::Error for JsonError {}

/// The field that serde names itself: it is one of a struct's, never the sender's text.
fn named_field(cause: &str) -> Option<&str> {
    let rest = cause.strip_prefix("missing field `").or_else(|| cause.strip_prefix("duplicate field `"))?;
    rest.strip_suffix('`')
}

/// Serde says `invalid type: string "hunter2", expected u64`; this keeps `invalid type: string, expected u64`.
fn without_value(cause: &str) -> String {
    if named_field(cause).is_some() {
        return cause.to_owned();
    }
    match cause.rsplit_once(", expected ") {
        Some((found, expected)) => {
            let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
            format!("{kind}, expected {expected}")
        }
        None => "a value does not fit".to_owned(),
    }
}

/// Where in the text the parser stood.
fn offset_of(error: &serde_json::Error, text: &str) -> usize {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    lines.map(str::len).sum::<usize>() + error.column()
}

/// A key that our structs could have; any other text of the sender's is not repeated.
fn is_plain(name: &str) -> bool {
    name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
