use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::parser::unquote;
use crate::tokenizer::{Token, TokenKind, tokenize};

/// Tables read by a query: after `FROM`, `JOIN`, a comma of a `FROM`, or `TABLE` in a table function. Names of common
/// table expressions, strings and comments are not tables. Of a qualified name, the last part.
pub fn tables_read(sql: &str) -> BTreeSet<String> {
    table_references(sql)
        .into_iter()
        .filter_map(|mut reference| reference.parts.pop())
        .map(|(name, _)| name)
        .collect()
}

/// A table's name where a query reads it: its parts, and the bytes where they stand.
pub(crate) struct TableReference {
    pub(crate) parts: Vec<(String, Range<usize>)>,
}

/// Where tables are read, in the order of the text.
pub(crate) fn table_references(sql: &str) -> Vec<TableReference> {
    let tokens: Vec<Token> = tokenize(sql)
        .into_iter()
        .filter(|token| token.is_significant() && !token.is_hint())
        .collect();
    let mut scan = Scan {
        sql,
        tokens: &tokens,
        levels: vec![Level::default()],
        ctes: BTreeMap::new(),
        ends: Ends::of(sql, &tokens),
        found: Vec::new(),
    };
    let mut at = 0;
    while at < tokens.len() {
        at = scan.step(at);
    }
    scan.found
}

/// What is known of a pair of parentheses around the current token.
#[derive(Default, Clone, Copy)]
struct Level {
    /// A `SELECT` was read, so that `FROM` is its clause and not part of `EXTRACT(... FROM ...)`.
    in_select: bool,
    /// Between `FROM` and the clause after it: a comma is followed by another table.
    in_from: bool,
    /// The next name is a table.
    expects_table: bool,
}

/// By token: where what starts there ends. Looked up instead of searched for, since a text may start much and end little.
struct Ends {
    /// Of an opening parenthesis, the token after the closing one.
    parentheses: Vec<usize>,
    /// The next semicolon.
    statement: Vec<usize>,
}

impl Ends {
    fn of(sql: &str, tokens: &[Token]) -> Self {
        let mut parentheses = vec![tokens.len(); tokens.len()];
        let mut statement = parentheses.clone();
        let (mut open, mut first) = (Vec::new(), 0);
        for (at, token) in tokens.iter().enumerate() {
            if token.kind != TokenKind::Symbol {
                continue;
            }
            match token.text(sql) {
                "(" => open.push(at),
                ")" => {
                    if let Some(start) = open.pop() {
                        parentheses[start] = at + 1;
                    }
                }
                ";" => {
                    statement[first..=at].fill(at);
                    first = at + 1;
                }
                _ => {}
            }
        }
        Self {
            parentheses,
            statement,
        }
    }
}

struct Scan<'a> {
    sql: &'a str,
    tokens: &'a [Token],
    levels: Vec<Level>,
    /// Where the names of common table expressions stand for these: from the end of the body to that of the statement.
    ctes: BTreeMap<String, Vec<Range<usize>>>,
    ends: Ends,
    found: Vec<TableReference>,
}

const CLAUSES_AFTER_FROM: [&str; 11] = [
    "WHERE",
    "GROUP",
    "HAVING",
    "WINDOW",
    "QUALIFY",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "UNION",
    "EXCEPT",
    "INTERSECT",
];

impl Scan<'_> {
    /// Looks at one token; returns where the next one to look at is.
    fn step(&mut self, at: usize) -> usize {
        let kind = self.tokens[at].kind;
        match kind {
            TokenKind::Symbol => {
                self.symbol(at);
                at + 1
            }
            TokenKind::Word => self.word(at),
            TokenKind::QuotedIdentifier if self.level().expects_table => self.table(at),
            _ => at + 1,
        }
    }

    fn symbol(&mut self, at: usize) {
        match self.text(at) {
            "(" => {
                // FROM (a JOIN b ON ...) as well as FROM (SELECT ...).
                let expects_table = self.level().expects_table;
                self.level().expects_table = false;
                self.levels.push(Level {
                    expects_table,
                    in_from: expects_table,
                    ..Level::default()
                });
            }
            ")" if self.levels.len() > 1 => {
                self.levels.pop();
            }
            "," => {
                let level = self.level();
                level.expects_table = level.in_from;
            }
            ";" => self.levels = vec![Level::default()],
            _ => {}
        }
    }

    fn word(&mut self, at: usize) -> usize {
        let word = self.text(at).to_uppercase();
        let word = word.as_str();
        match word {
            "WITH" => self.remember_ctes(at + 1),
            "SELECT" => {
                *self.level() = Level {
                    in_select: true,
                    ..Level::default()
                }
            }
            "FROM" if self.level().in_select && !self.previous_is(at, "DISTINCT") => {
                *self.level() = Level {
                    in_select: true,
                    in_from: true,
                    expects_table: true,
                };
            }
            "JOIN" if self.level().in_from => self.level().expects_table = true,
            "TABLE" if self.table_operand(at) => return self.table(at + 1),
            // Of LATERAL, TABLE and UNNEST, only a parenthesis is followed by something that is no table.
            "LATERAL" | "TABLE" | "UNNEST" if !self.next_is(at, "(") => {}
            "LATERAL" | "TABLE" | "UNNEST" | "VALUES" => self.level().expects_table = false,
            clause if CLAUSES_AFTER_FROM.contains(&clause) => {
                let level = self.level();
                level.in_from = false;
                level.expects_table = false;
            }
            _ if self.level().expects_table => return self.table(at),
            _ => {}
        }
        at + 1
    }

    /// `TABLE name` inside a table function: `TUMBLE(TABLE t, ...)`, `TUMBLE(DATA => TABLE t, ...)`.
    fn table_operand(&self, at: usize) -> bool {
        at > 0 && ["(", ",", "=>"].contains(&self.text(at - 1)) && self.is_name(at + 1)
    }

    fn is_name(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| {
            matches!(token.kind, TokenKind::Word | TokenKind::QuotedIdentifier)
        })
    }

    /// A name of one to three parts; returns where it ends.
    fn table(&mut self, start: usize) -> usize {
        let mut at = start;
        let part = |at: usize| (self.name(at), self.tokens[at].span.clone());
        let mut parts = vec![part(at)];
        while self.next_is(at, ".") && self.is_name(at + 2) {
            at += 2;
            parts.push(part(at));
        }
        self.level().expects_table = false;
        let is_function = self.next_is(at, "(") && self.tokens[start].kind == TokenKind::Word;
        let is_cte = parts.len() == 1
            && self
                .ctes
                .get(&parts[0].0)
                .is_some_and(|visible| visible.iter().any(|range| range.contains(&start)));
        if !is_function && !is_cte {
            self.found.push(TableReference { parts });
        }
        at + 1
    }

    /// After `WITH`: `name [(columns)] AS (query), ...`. The queries themselves are looked at in their turn.
    fn remember_ctes(&mut self, mut at: usize) {
        let Some(end) = self.ends.statement.get(at).copied() else {
            return;
        };
        loop {
            let Some(name) = self.tokens.get(at) else {
                return;
            };
            if !matches!(name.kind, TokenKind::Word | TokenKind::QuotedIdentifier) {
                return;
            }
            let mut after = at + 1;
            if self.is_symbol(after, "(") {
                after = self.ends.parentheses[after];
            }
            let is_cte = self
                .tokens
                .get(after)
                .is_some_and(|token| token.text(self.sql).eq_ignore_ascii_case("AS"))
                && self.is_symbol(after + 1, "(");
            if !is_cte {
                return;
            }
            let body_end = self.ends.parentheses[after + 1];
            let name = self.name(at);
            self.ctes.entry(name).or_default().push(body_end..end);
            if !self.is_symbol(body_end, ",") {
                return;
            }
            at = body_end + 1;
        }
    }

    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn text(&self, at: usize) -> &str {
        self.tokens[at].text(self.sql)
    }

    fn name(&self, at: usize) -> String {
        unquote(self.text(at), '`')
    }

    fn is_symbol(&self, at: usize, symbol: &str) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind == TokenKind::Symbol && token.text(self.sql) == symbol)
    }

    fn next_is(&self, at: usize, symbol: &str) -> bool {
        self.is_symbol(at + 1, symbol)
    }

    fn previous_is(&self, at: usize, word: &str) -> bool {
        at > 0 && self.text(at - 1).eq_ignore_ascii_case(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_read_and_nothing_else() {
        for (sql, expected) in [
            ("INSERT INTO t SELECT * FROM a", "a"),
            ("SELECT * FROM a, b AS x, `c.d.e`", "a b c.d.e"),
            (
                "SELECT * FROM a m LEFT JOIN b r ON m.x = r.x, c WHERE m.y IN (SELECT y FROM d)",
                "a b c d",
            ),
            (
                "WITH q AS (SELECT * FROM a), r (x, y) AS (SELECT * FROM q JOIN b ON TRUE) SELECT * FROM r",
                "a b",
            ),
            ("WITH a AS (SELECT * FROM a) SELECT * FROM a", "a"),
            (
                "SELECT * FROM (SELECT * FROM (VALUES (1, 2), (3, 4)) AS v(x, y)) z, a",
                "a",
            ),
            (
                "SELECT EXTRACT(EPOCH FROM ts), TRIM(BOTH 'x' FROM y) FROM a",
                "a",
            ),
            (
                "SELECT x IS DISTINCT FROM y, x IS NOT DISTINCT FROM z FROM a",
                "a",
            ),
            (
                "SELECT 'FROM paper', \"q\" FROM a -- FROM b\n /* JOIN c */",
                "a",
            ),
            (
                "SELECT * FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
                "a",
            ),
            (
                "SELECT * FROM TUMBLE(DATA => TABLE `env`.`db`.`a`, TIMECOL => DESCRIPTOR(ts))",
                "a",
            ),
            (
                "SELECT * FROM a CROSS JOIN UNNEST(a.xs) AS t(x), LATERAL TABLE(f(x)) AS g(y)",
                "a",
            ),
            (
                "SELECT * FROM a JOIN b FOR SYSTEM_TIME AS OF a.ts AS r ON a.x = r.x",
                "a b",
            ),
            (
                "SELECT /*+ STATE_TTL('m' = '1 d') */ * FROM (a AS m JOIN b ON TRUE)",
                "a b",
            ),
            (
                "SELECT * FROM a MATCH_RECOGNIZE (PARTITION BY x ORDER BY ts MEASURES FIRST(A.ts) AS s PATTERN (A B) DEFINE B AS B.x > 1)",
                "a",
            ),
            (
                "SELECT count(*) OVER w FROM a WINDOW w AS (PARTITION BY x, y ORDER BY ts), v AS (PARTITION BY z)",
                "a",
            ),
            (
                "EXECUTE STATEMENT SET BEGIN INSERT INTO x WITH q AS (SELECT 1) SELECT * FROM q; INSERT INTO y SELECT * FROM q; END",
                "q",
            ),
            ("SELECT a FROM", ""),
            ("INSERT INTO t VALUES (1), (2)", ""),
            ("SELECT 1 UNION ALL SELECT x, y FROM a ORDER BY x, y", "a"),
        ] {
            let found: Vec<String> = tables_read(sql).into_iter().collect();
            assert_eq!(found.join(" "), expected, "{sql}");
        }
    }
}
