//! Splits SQL text into tokens with byte spans. Total: every text, valid or not, is covered by its tokens exactly.

use std::ops::Range;

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Spaces, tabs, line ends.
    Whitespace,
    /// `-- ...` up to the end of the line.
    LineComment,
    /// `/* ... */`.
    BlockComment,
    /// `/*+ ... */`, which is part of the statement.
    Hint,
    /// A keyword or an identifier.
    Word,
    /// `` `...` ``, with `` `` `` for a back-quote.
    QuotedIdentifier,
    /// `'...'`, with `''` for a quote.
    String,
    /// `12`, `1.5`, `1e9`.
    Number,
    /// Operators and punctuation; `<>`, `<=`, `>=`, `!=`, `||`, `=>` and `::` are one token.
    Symbol,
    /// A string, quoted identifier, comment or hint that is not closed; it reaches to the end of the text.
    Unterminated,
}

impl Token {
    /// The token's text.
    pub fn text<'a>(&self, sql: &'a str) -> &'a str {
        &sql[self.span.clone()]
    }

    /// Neither white space nor a comment.
    pub fn is_significant(&self) -> bool {
        !matches!(
            self.kind,
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment
        )
    }

    /// `/*+ ... */`
    pub fn is_hint(&self) -> bool {
        self.kind == TokenKind::Hint
    }
}

/// Splits the text. The spans of the result, in order, cover the text without gap or overlap.
pub fn tokenize(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while start < sql.len() {
        let (kind, length) = next_token(&sql[start..]);
        tokens.push(Token {
            kind,
            span: start..start + length,
        });
        start += length;
    }
    tokens
}

/// Line and column, from 1 and in characters, of a byte offset.
pub fn position(sql: &str, offset: usize) -> (usize, usize) {
    let before = sql.get(..offset).unwrap_or(sql);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

fn next_token(rest: &str) -> (TokenKind, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    if first.is_whitespace() {
        return (
            TokenKind::Whitespace,
            length_while(rest, char::is_whitespace),
        );
    }
    if rest.starts_with("--") {
        return (
            TokenKind::LineComment,
            rest.find('\n').unwrap_or(rest.len()),
        );
    }
    if let Some(body) = rest.strip_prefix("/*") {
        let kind = if body.starts_with('+') {
            TokenKind::Hint
        } else {
            TokenKind::BlockComment
        };
        return match body.find("*/") {
            Some(at) => (kind, 2 + at + 2),
            None => (TokenKind::Unterminated, rest.len()),
        };
    }
    match first {
        '\'' => quoted(rest, '\'', TokenKind::String),
        '`' => quoted(rest, '`', TokenKind::QuotedIdentifier),
        c if c.is_ascii_digit() => (TokenKind::Number, number_length(rest)),
        c if is_word_start(c) => (TokenKind::Word, length_while(rest, is_word_part)),
        c => {
            let pair = ["<>", "<=", ">=", "!=", "||", "=>", "::"]
                .iter()
                .find(|pair| rest.starts_with(**pair));
            (
                TokenKind::Symbol,
                pair.map_or(c.len_utf8(), |pair| pair.len()),
            )
        }
    }
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn length_while(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}

/// A doubled quote stands for itself, so the closing quote is the first one not followed by another.
fn quoted(rest: &str, quote: char, kind: TokenKind) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] == quote as u8 {
            if bytes.get(at + 1) != Some(&(quote as u8)) {
                return (kind, at + 1);
            }
            at += 1;
        }
        at += 1;
    }
    (TokenKind::Unterminated, rest.len())
}

fn number_length(rest: &str) -> usize {
    let mut length = length_while(rest, |c| c.is_ascii_digit());
    let digits_after = |from: usize| length_while(&rest[from..], |c| c.is_ascii_digit());
    if rest[length..].starts_with('.') {
        let fraction = digits_after(length + 1);
        length += 1 + fraction;
    }
    if rest[length..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
        let exponent = digits_after(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_each_kind() {
        use TokenKind::*;
        for (sql, expected) in [
            (
                "SELECT $rowtime",
                vec![(Word, "SELECT"), (Word, "$rowtime")],
            ),
            (
                "`a``b`.c",
                vec![(QuotedIdentifier, "`a``b`"), (Symbol, "."), (Word, "c")],
            ),
            ("'it''s' ''", vec![(String, "'it''s'"), (String, "''")]),
            (
                "1 2.5 .5 1e9 1E-3x",
                vec![
                    (Number, "1"),
                    (Number, "2.5"),
                    (Symbol, "."),
                    (Number, "5"),
                    (Number, "1e9"),
                    (Number, "1E-3"),
                    (Word, "x"),
                ],
            ),
            (
                "a<>b||c=>d>=e",
                vec![
                    (Word, "a"),
                    (Symbol, "<>"),
                    (Word, "b"),
                    (Symbol, "||"),
                    (Word, "c"),
                    (Symbol, "=>"),
                    (Word, "d"),
                    (Symbol, ">="),
                    (Word, "e"),
                ],
            ),
            (
                "a--'b\n/* ' */c",
                vec![
                    (Word, "a"),
                    (LineComment, "--'b"),
                    (BlockComment, "/* ' */"),
                    (Word, "c"),
                ],
            ),
            ("/*+ X('a'='b') */", vec![(Hint, "/*+ X('a'='b') */")]),
            ("'a''", vec![(Unterminated, "'a''")]),
            ("/* a", vec![(Unterminated, "/* a")]),
            ("/*+ a", vec![(Unterminated, "/*+ a")]),
        ] {
            let tokens = tokenize(sql);
            let found: Vec<_> = tokens
                .iter()
                .filter(|token| token.kind != Whitespace)
                .map(|token| (token.kind, token.text(sql)))
                .collect();
            assert_eq!(found, expected, "{sql}");
        }
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(position("é\nàb c", "é\nàb ".len()), (2, 4));
        assert_eq!(position("", 0), (1, 1));
    }
}
