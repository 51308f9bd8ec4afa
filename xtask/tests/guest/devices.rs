//! Devices: from the uevent to the driver that is bound, and a driver that fails. What modtrail reports is held against
//! what sysfs shows.

use crate::lab::{Lab, Recorded};
use serde_json::{Value, json};
use xtask::guest::Guest;
use xtask::series::Series;

crate::on_oldest_and_newest!(a_device_that_is_added_gets_its_driver);

/// Stands in for udev: it loads what the kernel asks for in a uevent.
const UDEV: &str = "cat > /tmp/udev <<'UDEV'
#!/bin/sh
[ \"$ACTION\" = add ] && [ -n \"$MODALIAS\" ] && exec modprobe -q \"$MODALIAS\"
UDEV
chmod +x /tmp/udev; busybox uevent /tmp/udev & sleep 0.3";

/// Adds a device to a bus that a module makes up, and says which driver it gets. Then its uevent is asked for again.
/// The second time, the bus lacks what the driver needs, so it fails.
const SCRIPT: &str = "
    adapter() { modprobe i2c-stub chip_addr=0x48 $1; name=$(grep -l 'SMBus stub' /sys/bus/i2c/devices/i2c-*/name); bus=${name%/name}; }
    wait_for() { for i in $(seq 100); do eval $1 && break; sleep 0.05; done; }
    adapter; echo lm75 0x48 > $bus/new_device
    wait_for '[ -e $bus/*-0048/driver ]'; echo device $(basename $bus/*-0048) $(basename $(readlink $bus/*-0048/driver))
    echo add > $(echo $bus/*-0048/uevent)
    echo 0x48 > $bus/delete_device; rmmod lm75 i2c_stub
    adapter functionality=0; echo lm75 0x48 > $bus/new_device
    wait_for 'grep -q \"^lm75 .* Live\" /proc/modules'; [ ! -e $bus/*-0048/driver ]";

fn a_device_that_is_added_gets_its_driver(kernel: Guest) {
    let lab = Lab::new(kernel).modules("i2c-stub lm75").setup(UDEV);
    let recorded = lab.recorded(SCRIPT);
    let Recorded { report, log, output } = &recorded;
    let named = output.split_whitespace().collect::<Vec<_>>();
    let [_, name, "lm75"] = named[..] else { panic!("{output}\n{}", log.shown()) };
    let devices = report["devices"].as_array().expect("devices");
    let of_chip: Vec<&Value> = devices.iter().filter(|device| device["name"] == name).collect();
    // The one whose uevent was asked for again is still one device.
    let [works, fails] = of_chip[..] else { panic!("two: {devices:?}\n{}", log.shown()) };
    let loads = log.of_module("load", "lm75");
    let [first, second] = loads[..] else { panic!("two: {}", log.shown()) };
    works_or_fails(works, first, json!(0));
    // What the driver asks its bus for has changed between the two.
    works_or_fails(fails, second, json!(if kernel.series == Series::Newest { -95 } else { -5 }));
    let findings = report["findings"].as_array().expect("findings");
    let found: Vec<&Value> = findings.iter().filter(|finding| finding["name"] == "driver_failed").collect();
    let [finding] = found[..] else { panic!("one: {findings:?}") };
    assert_eq!(finding["evidence"], json!([{"kind": "load", "id": second["id"]}]), "{finding}");
    assert!(finding["sentence"].as_str().is_some_and(|words| words.contains(name)), "{finding}");
    assert_eq!(report["lost"], json!([]), "{report}");
}

/// The device was announced, the load followed, and its driver was tried on the device with this result.
fn works_or_fails(device: &Value, load: &Value, result: Value) {
    let uevent = &device["uevent"];
    assert_eq!((&uevent["action"], &uevent["alias"]), (&json!("add"), &json!("i2c:lm75")), "{device}");
    assert_eq!((&uevent["synthetic"], &uevent["modules"]), (&json!(false), &json!(["lm75"])), "{device}");
    assert_eq!((&device["bus"], &device["bound"]), (&json!("i2c"), &json!(result == 0)), "{device}");
    let followed_by = &device["followed_by"];
    assert_eq!((&followed_by["load"], &followed_by["comm"]), (&load["id"], &json!("modprobe")), "{device}\n{load}");
    assert_eq!(followed_by["pid"], load["loader"]["pid"], "{device}\n{load}");
    let attempts = device["attempts"].as_array().expect("attempts");
    let [attempt] = &attempts[..] else { panic!("one: {device}") };
    let whose = (&attempt["driver"], &attempt["module"], &attempt["load"]);
    assert_eq!(whose, (&json!("lm75"), &json!("lm75"), &load["id"]), "{device}");
    assert_eq!((&attempt["result"], &attempt["times"]), (&result, &json!(1)), "{device}");
    let own = &load["devices"][0];
    assert_eq!((&own["id"], &own["name"], &own["result"]), (&device["id"], &device["name"], &result), "{load}");
    // The driver is tried while the module's init registers it.
    let at = |value: &Value| value.as_u64().expect("an instant");
    assert!(at(&uevent["boot_ns"]) < at(&load["boot_ns"]), "{device}\n{load}");
    assert!((at(&load["boot_ns"])..at(&load["live_ns"])).contains(&at(&attempt["boot_ns"])), "{device}\n{load}");
    assert_eq!(attempt["after_live_ns"], Value::Null, "{device}");
}
