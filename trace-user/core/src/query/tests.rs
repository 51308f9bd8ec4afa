//! Queries over a made-up trace: each construct of the language, and each way to get it wrong.

use super::*;
use crate::entities::{Load, Request};
use crate::testing::busy;

/// The numbers of the requests that match.
fn requests(text: &str) -> Vec<u64> {
    let scenario = busy();
    let model = scenario.model();
    let query = Query::parse(text, Request::FIELDS).unwrap();
    model.requests().filter(|request| query.matches(&***request, model)).map(|request| request.id.0).collect()
}

/// What is wrong with the text.
fn fault(text: &str) -> String {
    Query::parse(text, &[Field::Alias, Field::Verdict, Field::Total, Field::Pid, Field::Result])
        .map(|query| query.text().to_owned())
        .unwrap_err()
        .to_string()
}

#[test]
fn words_are_found_in_any_name_and_must_all_be_there() {
    assert_eq!(requests("mount"), [3, 4]);
    assert_eq!(requests("MOUNT xfs"), [4]);
    assert_eq!(requests("mount and xfs"), [4]);
    assert_eq!(requests("\"mount xfs\""), Vec::<u64>::new());
    assert_eq!(requests("412"), [1]);
    assert_eq!(requests("crypto-hmac(sha256)"), [2]);
    assert_eq!(requests("").len(), 9);
}

#[test]
fn a_word_of_an_enumeration_is_matched_whole() {
    assert_eq!(requests("verdict:live"), [1]);
    assert_eq!(requests("verdict:\"already live\""), requests("verdict=already_live"));
    assert_eq!(requests("verdict:already-live"), [3]);
    assert_eq!(requests("verdict:live,already_live"), [1, 3]);
    assert_eq!(requests("verdict!=live,already_live verdict!=in_flight").len(), 6);
    assert_eq!(requests("verdict~^already"), [3]);
}

#[test]
fn or_not_and_parentheses() {
    assert_eq!(requests("comm:ping or comm:blkid"), [1, 6]);
    assert_eq!(requests("comm:mount and not (alias:xfs or alias:ntfs)"), [3]);
    assert_eq!(requests("comm:mount !alias:xfs"), [3]);
    assert_eq!(requests("comm:ping or comm:mount alias:xfs"), [1, 4]);
    assert_eq!(requests("(comm:ping or comm:mount) alias:xfs"), [4]);
    assert_eq!(requests("not not comm:ping"), [1]);
    assert_eq!(requests("comm:ping OR comm:blkid"), [1, 6]);
    assert_eq!(requests("NOT comm:ping").len(), 8);
    assert!(Query::parse("\"or\"", Request::FIELDS).is_ok(), "quoted text means itself");
}

#[test]
fn numbers_times_and_errnos_are_compared() {
    assert_eq!(requests("pid=412 or pid:414"), [1, 2]);
    assert_eq!(requests("total>100ms verdict!=in_flight"), [1]);
    assert_eq!(requests("to_live>=98100us to_live<98101us"), [1]);
    assert_eq!(requests("result:ENOENT"), requests("errno=2"));
    assert_eq!(requests("errno:ENOENT"), [5]);
    assert_eq!(requests("exit:1").len(), 3);
    assert_eq!(requests("signal=9").len(), 1);
    assert_eq!(requests("uid!=1000"), Vec::<u64>::new());
    assert_eq!(requests("parent=1"), [2]);
    assert_eq!(requests("parent:"), [2]);
    assert_eq!(requests("not signal:").len(), 8);
    assert_eq!(requests("signal!=9"), Vec::<u64>::new(), "a row without a signal does not match");
}

#[test]
fn instants_are_compared_by_the_wall_clock() {
    let scenario = busy();
    let model = scenario.model();
    let all = model.requests().count();
    let count = |query: &Query| model.requests().filter(|request| query.matches(&***request, model)).count();
    assert_eq!(count(&Query::since("-1h").unwrap()), all);
    assert_eq!(count(&Query::until("-1h").unwrap()), 0);
    assert_eq!(count(&Query::since("00:00").unwrap()), all);
    let relative = Query::since("-3.2s").unwrap();
    assert!(relative.is_relative() && count(&relative) < all && count(&relative) > 0);
    let anchored = relative.clone().anchored(model.now(), model);
    assert!(!anchored.is_relative());
    assert_eq!(count(&anchored), count(&relative));
    assert!(Query::since("soon").is_err() && Query::since("\" or alias:x").is_err());
}

#[test]
fn a_row_without_the_field_does_not_match() {
    let scenario = busy();
    let model = scenario.model();
    let loads = |text: &str| {
        let query = Query::parse(text, &Field::ALL).unwrap();
        model.loads().filter(|load| query.matches(&***load, model)).count()
    };
    assert_eq!((loads("verdict!=live"), loads("alias:x"), loads("kind:request")), (0, 0, 0));
    assert_eq!(loads("not kind:request"), model.loads().count());
    assert_eq!(loads("module:snd_hda_codec_hdmi"), 1);
    assert_eq!(loads("comm=(udev-worker)"), 1);
    assert!(Query::parse("alias:x", Load::FIELDS).is_err());
}

#[test]
fn what_is_wrong_is_named_with_the_choices() {
    assert_eq!(fault("colour:red"), "unknown field colour: use alias verdict total pid result");
    assert_eq!(fault("pid:x"), "\"x\" does not fit pid: expected a whole number");
    assert_eq!(fault("total>5"), "\"5\" does not fit total: expected a time such as 2s, 150ms or 1h");
    assert_eq!(
        fault("verdict:alive"),
        "\"alive\" does not fit verdict: expected one of live, already_live, satisfied_by_another, hollow, init_failed, \
         not_found, helper_failed, helper_missing, refused, throttled, denied, abandoned, unwaited, in_flight, incomplete"
    );
    assert_eq!(fault("alias>x"), "alias cannot be compared with >: use : = != ~");
    assert_eq!(fault("pid~1"), "pid cannot be compared with ~: use : = != < <= > >=");
    assert!(fault("alias~[").starts_with("\"[\" is not a regular expression: "));
    assert_eq!(fault("\"mount"), "\" is not closed");
    assert_eq!(fault("(mount"), "( is not closed");
    assert_eq!(fault("mount)"), "there is nothing that this ) closes");
    assert_eq!(fault("mount or"), "something is missing after \"or\"");
    assert_eq!(fault("mount and or"), "something is missing after \"and\"");
    assert_eq!(fault("or mount"), "something is missing at the beginning");
    assert_eq!(fault("alias:x,"), "something is missing after \"alias:x,\"");
    assert_eq!(fault("()"), "something is missing after \"(\"");
    assert_eq!(fault("!"), "something is missing after \"!\"");
}

#[test]
fn no_text_takes_long_or_breaks_the_parser() {
    let too_large = QueryFault::TooLarge.to_string();
    assert_eq!(fault(&"(".repeat(4_000)), too_large);
    assert_eq!(fault(&"!".repeat(4_000)), too_large);
    assert_eq!(fault(&"x".repeat(5_000)), too_large);
    assert!(fault("alias~(a{1000}){1000}").contains("is not a regular expression"));
    for text in
        ["alias:", ":", "=x", "a\"b\"c", "alias:\"a,b\",c", "\\", "日本:x", "alias:日本", ",", "alias:\"\"", "\"\\\\\""]
    {
        assert!(Query::parse(text, &Field::ALL).is_ok(), "{text}");
    }
}

#[test]
fn a_comma_in_quotes_separates_nothing() {
    assert_eq!(requests("alias=\"fs-xfs,fs-vfat\""), Vec::<u64>::new());
    assert_eq!(requests("alias=\"fs-xfs\",fs-vfat"), [3, 4]);
    assert_eq!(requests("alias~^fs-[a-z]{3,4}$"), [3, 4]);
}

#[test]
fn what_is_typed_is_completed() {
    let complete = |text: &str| completions(text, Request::FIELDS);
    assert_eq!(complete("comm:ping ver"), ["comm:ping verdict:"]);
    assert_eq!(complete("verdict:al"), ["verdict:already_live"]);
    assert_eq!(complete("!(verdict!=live,ho"), ["!(verdict!=live,hollow"]);
    assert_eq!(complete("al"), ["alias:"]);
    assert_eq!(complete("alias:x"), Vec::<String>::new());
    assert_eq!(complete("nothing:x"), Vec::<String>::new());
}

#[test]
fn a_narrowed_trace_has_what_matches_and_its_loads() {
    let scenario = busy();
    let model = scenario.model();
    let query = Query::parse("comm:ping or comm:mount", &Field::ALL).unwrap();
    let narrow = narrowed(model.clone(), &query);
    assert_eq!(narrow.requests().map(|request| request.id.0).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(narrow.verdicts().values().sum::<u64>(), 3);
    assert!(narrow.loads().all(|load| load.request.is_some_and(|id| id.0 == 1)) && narrow.loads().len() == 2);
    assert_eq!((narrow.duplicates().count(), narrow.counts().requests), (0, 3));
    assert_eq!((narrow.lost_total(), narrow.counts().events), (model.lost_total(), model.counts().events));
    assert_eq!(narrowed(model.clone(), &Query::default()).verdicts(), model.verdicts());
}

#[test]
fn two_queries_must_both_hold() {
    let both = Query::parse("comm:mount", Request::FIELDS).unwrap().and(Query::parse("xfs", Request::FIELDS).unwrap());
    assert_eq!(both.text(), "comm:mount and xfs");
    let scenario = busy();
    let model = scenario.model();
    assert_eq!(model.requests().filter(|request| both.matches(&***request, model)).count(), 1);
    assert!(Query::default().and(Query::default()).is_empty());
}

#[test]
fn wall_times_follow_a_clock_that_is_set() {
    let mut scenario = busy();
    let second = 1_000_000_000;
    let before = scenario.model().wall_ns(crate::testing::stamp(1_000_000)).unwrap();
    scenario.fact(5_000_000, crate::event::Fact::ClockSet { wall_ns: 2_000_000_000 * second });
    scenario.until(6_000_000);
    let wall = |at| scenario.model().wall_ns(crate::testing::stamp(at)).unwrap();
    assert_eq!((wall(1_000_000), wall(5_500_000)), (before, 2_000_000_000 * second + second / 2));
    let since = Query::since("2033-05-18").unwrap();
    assert_eq!(scenario.model().requests().filter(|request| since.matches(&***request, scenario.model())).count(), 0);
}

#[test]
fn what_is_asked_for_is_found_in_the_text_that_shows_it() {
    let found = |query: &str, fields: &[Field], text: &str| {
        let query = Query::parse(query, &[Field::Alias, Field::Comm, Field::Verdict, Field::Pid]).unwrap();
        let found = query.found(fields, text);
        found.into_iter().map(|range| text.get(range).unwrap_or("a torn character").to_owned()).collect::<Vec<_>>()
    };
    let alias = &[Field::Alias][..];
    assert_eq!(found("CAN", alias, "can-proto-1 (CAN_RAW)"), ["can", "CAN"]);
    assert_eq!(found("alias:can comm:ping", alias, "can ping"), ["can"]);
    assert_eq!(found("alias:can,net", alias, "net-can"), ["can", "net"]);
    assert_eq!(found("alias:can", &[Field::Comm], "can"), [""; 0]);
    assert_eq!(found("not alias:can", alias, "can"), [""; 0]);
    assert_eq!(found("not (not alias:can)", alias, "can"), ["can"]);
    assert_eq!(found("alias!=can", alias, "can"), [""; 0]);
    assert_eq!(found("alias=can", alias, "can-proto"), [""; 0]);
    assert_eq!(found("alias=can", alias, "can (CAN)"), ["can"]);
    assert_eq!(found("comm=ping", &[Field::Comm], "ping[412]"), ["ping"]);
    assert_eq!(found("alias~^n.t", alias, "net-net"), ["net"]);
    assert_eq!(found("verdict:live", &[Field::Verdict], "already live"), [""; 0]);
    assert_eq!(found("verdict:already_live", &[Field::Verdict], "already live"), ["already live"]);
    assert_eq!(found("pid:412", &[Field::Pid], "412"), [""; 0]);
    assert_eq!(found("本", alias, "日本語"), ["本"]);
    assert_eq!(found("alias:", alias, "can"), [""; 0]);
}
