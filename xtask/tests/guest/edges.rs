//! What a person meets at the edges: no rights, a doctor's visit, a reader that goes away.

use crate::lab::Lab;
use xtask::kernels::Series;

crate::on_each_kernel!(without_rights, doctor_names_every_moment, the_probes_own_messages, a_full_disk, a_closed_pipe);

fn without_rights(kernel: Series) {
    let outcome = Lab::new(kernel).run(
        "for command in log top doctor watch 'record -o /tmp/x'; do provoke as 65534 -- modtrail $command; echo status $?; done",
    );
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    let statuses: Vec<&str> = out.lines().filter(|line| line.starts_with("status")).collect();
    assert_eq!(statuses, ["status 3"; 5], "{out}\n{err}");
    assert_eq!(err.matches("hint: run it as root, or with CAP_BPF and CAP_PERFMON").count(), 5, "{err}");
    assert!(!err.contains("panicked"), "{err}");
}

fn doctor_names_every_moment(kernel: Series) {
    let outcome =
        Lab::new(kernel).run("modtrail doctor && modtrail doctor --hooks kprobe && modtrail doctor --hooks btf");
    let out = String::from_utf8_lossy(&outcome.stdout);
    assert_eq!(outcome.status(), 0, "{out}");
    assert_eq!(out.matches("every moment is seen").count(), 2, "{out}");
    for line in
        ["helper call entered    fentry", "helper call entered    kprobe", "live                   fentry blocking"]
    {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert!(out.contains("admitted               NOT SEEN"), "{out}");
}

fn the_probes_own_messages(kernel: Series) {
    let log = Lab::new(kernel).flags("--probe-log").log("provoke socket 27");
    assert!(log.stderr.contains("probe: requested by") && log.stderr.contains("probe: helper call"), "{}", log.shown());
    assert_eq!(log.only("net-pf-27")["verdict"], "not_found");
}

fn a_full_disk(kernel: Series) {
    let outcome = Lab::new(kernel).run(
        "mkdir /tmp/small && mount -t tmpfs -o size=8k none /tmp/small || exit 99\n\
         modtrail record -o /tmp/small/it.mcap -- provoke sockets 30 1-30 > /dev/null; echo status $?\n\
         modtrail report /dev/full; echo status $?; modtrail report /proc > /dev/full; echo status $?",
    );
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    assert!(out.contains("status 4"), "{out}\n{err}");
    assert!(err.contains("No space left on device"), "{err}");
    assert!(!err.contains("panicked"), "{err}");
}

fn a_closed_pipe(kernel: Series) {
    let outcome = Lab::new(kernel).run(
        "modtrail record -o /tmp/it.mcap -- provoke sockets 10 1-30 > /dev/null\n\
         (modtrail log /tmp/it.mcap; echo status $? >&2) | head -n 1 > /dev/null\n\
         (modtrail report /tmp/it.mcap; echo status $? >&2) | true",
    );
    let err = String::from_utf8_lossy(&outcome.stderr);
    assert_eq!(err.matches("status 0").count(), 2, "{err}");
    assert!(!err.contains("panicked") && !err.contains("cannot write"), "{err}");
}
