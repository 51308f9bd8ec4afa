//! Requests that the kernel answers with the results of earlier ones. They need a kernel that Debian does not have:
//! CONTRIBUTING.md.

use crate::lab::Lab;
use serde_json::{Value, json};
use xtask::guest::Guest;

crate::on!(on_6_12_dups, amd64, V6_12Dups, requests_for_the_same_name);

fn requests_for_the_same_name(kernel: Guest) {
    // It boots for this run: the kernel has no drivers for a guest that continues.
    let log = Lab::new(kernel)
        .booted()
        .helper("sleep 1\nexit 1")
        .log("for i in 1 2 3; do provoke wave fs:one & done; wait; provoke wave fs:one; provoke wave fs:two");
    let of = |alias: &str| -> Vec<&Value> { log.requests.iter().filter(|request| request["alias"] == alias).collect() };
    let [first, others @ ..] = &of("fs-one")[..] else { panic!("{}", log.shown()) };
    assert_eq!((others.len(), log.requests.len()), (3, 5), "{}", log.shown());
    assert_eq!((&first["verdict"], &first["deduplicated_by"]), (&json!("not_found"), &Value::Null), "{first}");
    for other in others {
        assert_eq!((&other["verdict"], &other["helper"]), (&json!("not_found"), &Value::Null), "{other}");
        assert_eq!((&other["deduplicated_by"], &other["result"]), (&first["id"], &first["result"]), "{other}");
    }
    assert_eq!(of("fs-two")[0]["deduplicated_by"], Value::Null, "{}", log.shown());
}
