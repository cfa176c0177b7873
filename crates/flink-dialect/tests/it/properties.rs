//! What holds for every text.

use hc_flink_dialect::graph::tables_read;
use hc_flink_dialect::tokenizer::tokenize;
use hc_flink_dialect::{
    QueryTuning, normalize, parse, same_statement, split_statements, translate_query,
};
use proptest::prelude::*;

/// Text made of the pieces that matter to a parser, rather than of arbitrary characters only.
fn sql_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(" ".to_owned()),
        "CREATE|TABLE|ALTER|DROP|INSERT|INTO|SELECT|FROM|JOIN|WITH|AS|PRIMARY|KEY|NOT|NULL|ENFORCED|WATERMARK|FOR",
        "EXECUTE|STATEMENT|SET|BEGIN|END|VALUES|DISTRIBUTED|BY|HASH|BUCKETS|ROW|ARRAY|MAP|STRING|INT|DECIMAL|METADATA",
        "[a-z_$]{1,4}",
        "[0-9]{1,12}(\\.[0-9]*)?([eE][+-]?[0-9]*)?",
        "'[a-z' ]*'?",
        "`[a-z` .]*`?",
        "[(),;.=<>\\[\\]+*/-]{1,3}",
        "--[ a-z]*\n?",
        "/\\*\\+?[ a-z'=()]*(\\*/)?",
        "\\PC{0,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn tokens_cover_the_text(sql in prop_oneof![sql_like(), any::<String>()]) {
        let tokens = tokenize(&sql);
        let together: String = tokens.iter().map(|token| token.text(&sql)).collect();
        prop_assert_eq!(&together, &sql);
        let mut end = 0;
        for token in &tokens {
            prop_assert_eq!(token.span.start, end);
            prop_assert!(token.span.end > token.span.start);
            end = token.span.end;
        }
    }

    #[test]
    fn nothing_panics(sql in prop_oneof![sql_like(), any::<String>()]) {
        let _ = parse(&sql);
        let _ = tables_read(&sql);
        let _ = split_statements(&sql);
        let _ = translate_query(&sql, &QueryTuning { state_ttl: [("m".to_owned(), "1 h".to_owned())].into() });
        let _ = normalize(&sql);
    }

    #[test]
    fn a_created_table_survives_its_own_text(
        names in prop::collection::btree_set("[a-z$`. ]{1,6}", 1..5),
        comment in prop::option::of("[a-z' ]{0,8}"),
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let columns: Vec<String> =
            names.iter().map(|name| format!("{} ROW<`a b` INT NOT NULL, c MAP<STRING, DECIMAL(5,2)>>", hc_flink_dialect::quote_identifier(name))).collect();
        let comment = comment.map(|text| format!(" COMMENT {}", hc_flink_dialect::quote_string(&text))).unwrap_or_default();
        let sql = format!("CREATE TABLE t ({}){comment}", columns.join(", "));
        let table = |sql: &str| match parse(sql) {
            Ok(hc_flink_dialect::Statement::CreateTable(create)) => Ok(create.table),
            other => Err(format!("{other:?}")),
        };
        let first = table(&sql).map_err(TestCaseError::fail)?;
        prop_assert_eq!(table(&first.to_confluent_sql()).map_err(TestCaseError::fail)?, first);
    }

    #[test]
    fn white_space_and_comments_do_not_change_a_statement(
        words in prop::collection::vec("[a-z]{1,5}|'[a-z ]{0,4}'|`[a-z]{1,4}`|[0-9]{1,3}|[(),=]", 1..20),
        gaps in prop::collection::vec(prop_oneof![Just(" "), Just("\n\t"), Just(" -- it's `a` comment\n"), Just("/* x */ ")], 20),
    ) {
        let plain = words.join(" ");
        let decorated: String = words.iter().zip(&gaps).map(|(word, gap)| format!("{word}{gap}")).collect();
        prop_assert!(same_statement(&plain, &decorated), "{}\n{}", normalize(&plain), normalize(&decorated));
    }
}

#[test]
fn a_change_of_meaning_is_a_change() {
    for (left, right) in [
        ("SELECT 'a  b'", "SELECT 'a b'"),
        (
            "SELECT /*+ STATE_TTL('m' = '1 h') */ 1",
            "SELECT /* STATE_TTL('m' = '1 h') */ 1",
        ),
        ("SELECT a b", "SELECT ab"),
        ("SELECT A", "SELECT a"),
        ("SELECT 1; SELECT 2", "SELECT 1"),
    ] {
        assert!(!same_statement(left, right), "{left} / {right}");
    }
    assert!(same_statement("SELECT 1 ;;", "-- one\nSELECT/* */1"));
    assert!(same_statement(
        "SELECT /*+  A('x'='y') */ 1",
        "SELECT /*+ A('x'='y')  */ 1"
    ));
}
