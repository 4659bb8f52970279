//! Cuts a script into statements, so that each is run, and can fail, by itself.

/// What ends a statement until a script says otherwise.
const SEMICOLON: &str = ";";

/// The statements of a script, in order, without what ends them and without what is only comment. Knows `--` and
/// `/* */` comments and the three kinds of quotes (doubled to escape; no backslash escapes). A statement with semicolons
/// inside, such as a procedure, stands between lines `DELIMITER //` and `DELIMITER ;`, as the databases' own command
/// line clients want it: so a script can be completed by hand.
pub(crate) fn split(script: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut rest = script;
    let mut delimiter = SEMICOLON;
    while let Some(start) = skip_blank(rest) {
        rest = &rest[start..];
        if let Some((new, after)) = new_delimiter(rest) {
            (delimiter, rest) = (new, after);
            continue;
        }
        let (statement, after) = cut(rest, delimiter);
        if !statement.is_empty() {
            statements.push(statement);
        }
        rest = after;
    }
    statements
}

/// Where the first thing stands that is neither white space nor comment.
fn skip_blank(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        match comment_length(&text[at..]) {
            Some(length) => at += length,
            None => return (at < text.len()).then_some(at),
        }
    }
}

/// What ends statements from here on, and what follows the line that says so, if the text begins with such a line.
fn new_delimiter(text: &str) -> Option<(&str, &str)> {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    let delimiter = line.strip_prefix("DELIMITER ")?.trim();
    (!delimiter.is_empty()).then_some((delimiter, after))
}

/// The statement that the text begins with, and what follows its delimiter.
fn cut<'a>(text: &'a str, delimiter: &str) -> (&'a str, &'a str) {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        if let Some(after) = text[at..].strip_prefix(delimiter) {
            return (text[..at].trim_end(), after);
        }
        let length = match next {
            '\'' | '"' | '`' => {
                let closing = text[at + 1..].find(next);
                closing.map_or(text.len() - at, |inside| inside + 2)
            }
            _ => comment_length(&text[at..]).unwrap_or(next.len_utf8()),
        };
        at += length;
    }
    (text.trim_end(), "")
}

/// How long the comment is that the text begins with.
fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("--") {
        Some(text.find('\n').unwrap_or(text.len()))
    } else if text.starts_with("/*") {
        Some(text.find("*/").map_or(text.len(), |inside| inside + 2))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn cuts_at_semicolons() {
        assert_eq!(split("SELECT 1;\n  SELECT 2 ;SELECT 3"), ["SELECT 1", "SELECT 2", "SELECT 3"]);
        assert!(split(" ;; \n;").is_empty());
        assert!(split("").is_empty());
    }

    #[test]
    fn leaves_quotes_alone() {
        let script = "INSERT INTO a VALUES ('x;''y;'); SELECT \"a;b\", `c;d`;";
        assert_eq!(split(script), ["INSERT INTO a VALUES ('x;''y;')", "SELECT \"a;b\", `c;d`"]);
    }

    #[test]
    fn comments_hide_semicolons_and_quotes() {
        let script = "-- it's; a comment\nSELECT 1 -- one; more\n, 2; /* last; */ -- end";
        assert_eq!(split(script), ["SELECT 1 -- one; more\n, 2"]);
    }

    #[test]
    fn a_delimiter_of_its_own_keeps_a_procedure_whole() {
        let script = "SELECT 1;\n-- next;\nDELIMITER //\nCREATE PROCEDURE p () BEGIN\n  SELECT '//'; -- or //\n  \
                      SELECT 2;\nEND//\nDELIMITER ;\nSELECT 3;";
        let body = "CREATE PROCEDURE p () BEGIN\n  SELECT '//'; -- or //\n  SELECT 2;\nEND";
        assert_eq!(split(script), ["SELECT 1", body, "SELECT 3"]);
        assert!(split("DELIMITER //\nDELIMITER ;").is_empty());
    }

    #[test]
    fn takes_what_is_not_closed_to_the_end() {
        assert_eq!(split("SELECT 'é;"), ["SELECT 'é;"]);
        assert!(split("/* open; SELECT 1").is_empty());
    }
}
