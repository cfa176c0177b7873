//! Tables of a statement under other names, so that many copies of a pipeline run on one Flink.

use std::collections::BTreeMap;

use hc_flink_dialect::tokenizer::{TokenKind, tokenize};
use hc_flink_dialect::{quote_identifier, quote_string};

/// Old name to new name.
pub(crate) type Names = BTreeMap<String, String>;

/// The statement with every identifier that is one of the names replaced, also in hints. A common table expression or an
/// alias that is called like a table is renamed with all its uses. Strings and comments stay.
pub(crate) fn rename(sql: &str, names: &Names) -> String {
    let mut renamed = String::with_capacity(sql.len() + 64);
    for token in tokenize(sql) {
        let text = token.text(sql);
        match token.kind {
            TokenKind::Word | TokenKind::QuotedIdentifier => match names.get(&unquote(text, '`')) {
                Some(name) => renamed.push_str(&quote_identifier(name)),
                None => renamed.push_str(text),
            },
            TokenKind::Hint => renamed.push_str(&hint(text, names)),
            _ => renamed.push_str(text),
        }
    }
    renamed
}

/// Hints name tables by strings: `/*+ STATE_TTL('t' = '1 d') */`.
fn hint(text: &str, names: &Names) -> String {
    let (start, end) = ("/*+", "*/");
    let inner = &text[start.len()..text.len() - end.len()];
    let mut renamed = start.to_owned();
    for token in tokenize(inner) {
        let text = token.text(inner);
        let name = match token.kind {
            TokenKind::String => names
                .get(&unquote(text, '\''))
                .map(|name| quote_string(name)),
            TokenKind::Word | TokenKind::QuotedIdentifier => names
                .get(&unquote(text, '`'))
                .map(|name| quote_identifier(name)),
            _ => None,
        };
        renamed.push_str(name.as_deref().unwrap_or(text));
    }
    renamed.push_str(end);
    renamed
}

fn unquote(text: &str, quote: char) -> String {
    let inner = text
        .strip_prefix(quote)
        .and_then(|text| text.strip_suffix(quote));
    match inner {
        Some(inner) => inner.replace(&format!("{quote}{quote}"), &quote.to_string()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_renamed_and_nothing_else() {
        let names = Names::from([
            ("t".to_owned(), "t_1".to_owned()),
            ("a.b".to_owned(), "a.b_1".to_owned()),
        ]);
        for (sql, expected) in [
            (
                "INSERT INTO t SELECT x.t2, t.y FROM `a.b` AS x -- t",
                "INSERT INTO `t_1` SELECT x.t2, `t_1`.y FROM `a.b_1` AS x -- t",
            ),
            (
                "SELECT /*+ STATE_TTL('t' = '1 d', 'm' = '0 s') */ 't' FROM t",
                "SELECT /*+ STATE_TTL('t_1' = '1 d', 'm' = '0 s') */ 't' FROM `t_1`",
            ),
            (
                "SELECT tt, `a`.b FROM T /* t */",
                "SELECT tt, `a`.b FROM T /* t */",
            ),
        ] {
            assert_eq!(rename(sql, &names), expected);
        }
    }
}
