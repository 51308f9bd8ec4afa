//! modprobe's own configuration: modtrail's view of it is compared with what the real modprobe does, for thousands of
//! aliases; and its effect on requests is reported with the line that causes it.

use crate::lab::Lab;
use serde_json::{Value, json};
use xtask::guest::Guest;

crate::with_test_modules_at_length!(blacklisted_and_asked_for_by_name, options);
crate::at_length!(
    every_alias,
    configured_aliases,
    configurations_one_after_another,
    rules_for_everything,
    blacklisted_by_the_kernel_command_line
);

/// modprobe leaves out dependencies whose files do not exist, and a guest has few of them.
const ALL_FILES: &str = "cd /lib/modules/$(uname -r) && cut -d: -f1 modules.dep > /tmp/files && \
    sed 's|/[^/]*$||' /tmp/files | sort -u | xargs mkdir -p && xargs touch < /tmp/files && cd /";

/// Compares, for each line of /tmp/aliases, modtrail's answer with `modprobe -R` and `modprobe --show-depends`. One
/// modprobe process looks up many: a name that only an install line knows separates two of them. modprobe prints
/// nothing for what it does nothing about.
const COMPARE: &str = r#"
echo 'install modtrail-mark MARK' > /etc/modprobe.d/zz-mark.conf
marked() { sed 's/$/\nmodtrail-mark/' /tmp/aliases | tr '\n' '\0' | xargs -0 -n 2000 /sbin/modprobe -a "$1" 2> /tmp/said; }
folded() { awk -v mark="$1" -v glue="$2" '{ sub(/ +$/, "") } $0 == mark { print line; line = ""; next } { line = line (line == "" ? "" : glue) $0 }'; }
marked -R | folded modtrail_mark ' ' > /tmp/names
marked --show-depends | folded 'install MARK' '; ' > /tmp/steps
awk 'BEGIN { while ((getline alias < "/tmp/aliases") > 0) {
    getline names < "/tmp/names"; getline steps < "/tmp/steps"
    line = alias " [" names "] " steps; sub(/ +$/, "", line); print line } }' | sed 's/  */ /g' > /tmp/modprobe
tr '\n' '\0' < /tmp/aliases | xargs -0 -n 2000 modtrail doctor --resolve 2> /tmp/problems |
    sed 's/\] blacklist [^ ]* ([^)]*)/]/; s/; blacklist [^ ]* ([^)]*)//g; s/\] missing [^ ;]*/]/; s/; missing [^ ;]*//g; s/\]; /] /; s/  */ /g' > /tmp/modtrail
diff -U0 /tmp/modprobe /tmp/modtrail | head -40
echo "compared $(wc -l < /tmp/modprobe) $(wc -l < /tmp/modtrail)"
"#;

/// The configuration of `configured_aliases`: every kind of line, twice, masked, continued, out of order and broken.
const CONFIGURATION: &str = r#"
mkdir -p /run/modprobe.d /usr/local/lib/modprobe.d /lib/modprobe.d
cat > /etc/modprobe.d/10-a.conf <<'END'
# a comment that goes on \
alias net-pf-29 tipc
alias can-raw can
alias net-pf-29 can_raw
alias net-pf-3* af-key extra words
alias my-[0-9]-x can
alias my-[!a-c]-y can
alias loop-one loop-two
alias loop-two loop-one
alias net-pf-10 off
alias twice can
alias twice can
alias mine vfat
	blacklist 	 can-bcm   
blacklist vfat
blacklist xfs
blacklist tipc_diag
install xfs /bin/true
install tipc /sbin/modprobe --ignore-install tipc $CMDLINE_OPTS && echo \
   hello \"there\"
install sound-slot-* /bin/false
install sound-slot-0 echo first
install sound-slot-1 echo second
install jfs   
install ext4 /bin/true
install gfs2 /bin/true
install udf /bin/true
softdep udf post: nosuch
remove gone-thing /bin/true
remove vfat /bin/true
options can_raw debug=1 \
  more=2
options	net-pf-29	via	alias=1
options fs-xfs viaalias=1
options udp-tunnel x
options can-raw x="a b"
softdep btrfs pre: can xfs post: vfat fs-vfat
softdep gfs2 can
softdep gfs2 pre: can
softdep ocfs2* pre: tipc post: sound-slot-0 nosuch
softdep af_key pre: net-pf-29 post: af_key can_raw
softdep udp_tunnel pre: vfat
softdep romfs pre: romfs
alias broken
alias broken a[b
alias bro]ken can
blacklist
  # indented
nonsense
include /x
options can
softdep can
END
printf 'softdep nfsd pre: can post: can_raw\nblacklist nfs' > /usr/local/lib/modprobe.d/a.conf
printf 'softdep cifs pre: can\nalias net-pf-29 xfs\noptions can late=1\n' > /run/modprobe.d/z.conf
printf 'alias net-pf-29 hidden\nalias masked can\n' > /lib/modprobe.d/10-a.conf
printf 'alias from-alias-file can\n' > /lib/modprobe.d/x.alias
printf 'alias from-no-conf can\n' > /lib/modprobe.d/README
printf 'alias from-hidden can\n' > /lib/modprobe.d/.h.conf
printf 'alias from-null can\n' > /lib/modprobe.d/null.conf
ln -s /dev/null /etc/modprobe.d/null.conf
mkdir /etc/modprobe.d/folder.conf
"#;

/// What `configured_aliases` asks for.
const CONFIGURED: &str = "can can-raw can_raw net-pf-29 net-pf-3 net-pf-35 net-pf-15 net-pf-10 my-5-x my-a-x my-5-y my-a-y \
    loop-one loop-two twice mine can-bcm can-proto-2 vfat fs-vfat fs-xfs xfs tipc tipc-diag sound-slot-0 sound-slot-1 \
    sound-slot-2 jfs fs-jfs ext4 fs-ext4 udf gfs2 fs-gfs2 gone-thing udp_tunnel btrfs fs-btrfs ocfs2 ocfs2_dlmfs af_key \
    romfs broken a[b bro]ken a nfsd nfs nfs4 cifs fs-cifs ksmbd masked hidden from-alias-file from-no-conf from-hidden \
    from-null off symbol:can_send wireguard vxlan snd-hda-intel usbcore e1000 \
    pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00";

/// Runs the comparison; returns how many aliases there were, and what was reported of the configuration.
fn compared(lab: Lab, aliases: &str) -> (usize, String) {
    let lab = lab.setup(ALL_FILES).setup(aliases);
    let outcome = lab.run(&format!("{COMPARE}\ncat /tmp/problems"));
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let (differences, rest) = text.split_once("compared ").unwrap_or((&text, ""));
    assert_eq!(differences, "", "modprobe (-) and modtrail (+) differ");
    let (counts, problems) = rest.split_once('\n').expect("counts");
    let counts: Vec<usize> = counts.split(' ').map(|count| count.parse().expect("a count")).collect();
    assert_eq!(counts[0], counts[1], "{text}");
    (counts[0], problems.to_owned())
}

fn every_alias(kernel: Guest) {
    let aliases = r#"m=/lib/modules/$(uname -r)
        { awk '$1 == "alias" && $2 !~ /[*?\[]/ { print $2 }' $m/modules.alias
          awk '$1 == "alias" && $2 ~ /[*?\[]/ && ++n % 60 == 0 { gsub(/\*/, "0", $2); gsub(/\?/, "1", $2); gsub(/\[[^]]*\]/, "5", $2); print $2 }' $m/modules.alias
          sed 's/:.*//; s|.*/||; s/\.ko.*//' $m/modules.dep | awk 'NR % 4 == 0'
          sed 's|.*/||; s/\.ko.*//' $m/modules.builtin
          awk 'NR % 500 == 2 { print $2 }' $m/modules.symbols
          awk '$1 == "softdep" { print $2 }' $m/modules.softdep
          tr '\0' '\n' < $m/modules.builtin.modinfo | sed -n 's/^[^.]*\.alias=//p' | grep -v '[*?]'
          echo nosuch; } | sort -u > /tmp/aliases"#;
    let (count, problems) = compared(Lab::new(kernel), aliases);
    assert!(count > 4_000, "{count}");
    assert_eq!(problems, "");
}

fn configured_aliases(kernel: Guest) {
    let append = "modprobe.blacklist=e1000,snd-hda-intel,usbcore can.debug=7 can-raw.flag [bad.x=1 udf.y=3";
    let aliases = format!("{CONFIGURATION}\nset -f; printf '%s\\n' {CONFIGURED} > /tmp/aliases; set +f");
    let (count, problems) = compared(Lab::new(kernel).append(append), &aliases);
    assert_eq!(count, CONFIGURED.split_whitespace().count());
    let problems: Vec<&str> = problems.lines().collect();
    // The lines that modprobe also calls bad, the folder, and the parameter of the kernel.
    assert_eq!(problems.len(), 11, "{problems:?}");
    assert!(
        problems.contains(&"modtrail: /etc/modprobe.d/10-a.conf:49: ignored, as modprobe does: nonsense"),
        "{problems:?}"
    );
}

fn rules_for_everything(kernel: Guest) {
    let aliases = "printf 'softdep can_* pre: xfs post: can\\ninstall [!m]* echo all\\nsoftdep [!m]* pre: can-raw vfat\\noptions can-raw x=1\\n' \
        > /etc/modprobe.d/a.conf; printf 'alias [!m]* can\\n' > /etc/modprobe.d/z.conf
        printf '%s\\n' can can-raw vfat btrfs fs-xfs nosuch wireguard ext4 > /tmp/aliases";
    compared(Lab::new(kernel), aliases);
    let aliases = aliases.replace("alias [!m]* can", "alias n?suc[g-i] wireguard");
    compared(Lab::new(kernel), &aliases);
}

/// Writes a file of modprobe's configuration.
fn configured(lab: Lab, text: &str) -> Lab {
    lab.setup(&format!("printf '%s\\n' '{text}' > /etc/modprobe.d/x.conf"))
}

/// Verdict, module, reason, exit code and loads of a request.
fn reported(request: &Value) -> Value {
    let loads: Vec<&Value> = request["loads"].as_array().expect("loads").iter().map(|load| &load["module"]).collect();
    json!([request["verdict"], request["module"], request["why"], request["helper"]["exit_code"], loads])
}

fn blacklisted_by_the_kernel_command_line(kernel: Guest) {
    let log = Lab::new(kernel).modules("can").append("modprobe.blacklist=can").log("provoke socket 29 raw 0");
    let why = "can is blacklisted in the kernel command line";
    assert_eq!(reported(log.only("net-pf-29")), json!(["hollow", "can", why, 0, []]), "{}", log.shown());
}

fn blacklisted_and_asked_for_by_name(kernel: Guest) {
    let lab = configured(Lab::new(kernel).modules("can can_raw modtrail_test"), "blacklist can");
    let log = lab.setup("/sbin/modprobe modtrail_test").log("echo request can-raw > /proc/modtrail_test");
    let why = "can is blacklisted in /etc/modprobe.d/x.conf:1, but a blacklist does not apply to what another module \
               depends on: use \"install can /bin/false\"";
    assert_eq!(
        reported(log.only("can-raw")),
        json!(["live", "can_raw", why, 0, ["can", "can_raw"]]),
        "{}",
        log.shown()
    );
}

fn options(kernel: Guest) {
    // Without its option this module's init fails.
    let lab =
        configured(Lab::new(kernel).modules("modtrail_test modtrail_fail"), "options modtrail-fail init_result=0");
    let log = lab.setup("/sbin/modprobe modtrail_test").log("echo request modtrail-test-fail > /proc/modtrail_test");
    let request = log.only("modtrail-test-fail");
    assert_eq!(reported(request), json!(["live", "modtrail_fail", null, 0, ["modtrail_fail"]]), "{}", log.shown());
}

/// One trace, one configuration after another: modtrail resolves an alias when the request reaches it.
fn configurations_one_after_another(kernel: Guest) {
    let log = Lab::new(kernel).modules("can can_raw af_key phonet llc2").log(CONFIGURATIONS);
    let of = |alias: &str| -> Vec<&Value> { log.requests.iter().filter(|request| request["alias"] == alias).collect() };
    let can = of("net-pf-29");
    let instead =
        |module: &str| format!("an install line runs /bin/true instead of loading {module} (/etc/modprobe.d/x.conf:1)");
    let expected = [
        json!(["hollow", "can", "can is blacklisted in /etc/modprobe.d/x.conf:2", 0, []]),
        json!(["hollow", "can", instead("can"), 0, []]),
        json!(["live", "can", null, 0, ["can"]]),
        // modprobe ignores the install line of a module with soft dependencies.
        json!(["live", "can", null, 0, ["phonet", "can", "llc", "llc2"]]),
        json!(["live", "phonet", null, 0, ["phonet"]]),
        json!(["not_found", "off", "off, named in /etc/modprobe.d/x.conf:1, is not a module of this kernel", 1, []]),
        json!(["live", "can", null, 0, ["can"]]),
    ];
    assert_eq!(can.iter().map(|request| reported(request)).collect::<Vec<_>>(), expected, "{}", log.shown());
    let by_install_line = can[2];
    assert_ne!(by_install_line["loads"][0]["pid"], by_install_line["helper"]["pid"]);
    let soft = can[3]["loads"].as_array().expect("loads");
    assert_eq!(soft.iter().map(|load| &load["dependency"]).collect::<Vec<_>>(), [true, false, true, true]);
    // A name that only an install line knows means whatever its command loads.
    let by_name = log.only("net-pf-27");
    assert_eq!(reported(by_name), json!(["live", "net_pf_27", null, 0, ["can_raw"]]), "{}", log.shown());
    let request = log.only("net-pf-15");
    assert_eq!(request["verdict"], "init_failed", "{}", log.shown());
    let why = request["why"].as_str().expect("a reason");
    assert!(why.starts_with("it uses the unknown symbols xfrm_") && why.ends_with(&instead("xfrm_algo")), "{why}");
    assert_eq!(request["module"], "af_key");
}

/// Each with a request, or two. The next one comes when modtrail has had time to read the last.
const CONFIGURATIONS: &str = r##"
with() {
    printf '%s\n' "$1" > /etc/modprobe.d/x.conf
    shift
    for family in "$@"; do provoke socket $family; done
    sleep 1
    for module in can_raw can phonet llc2 llc af_key xfrm_algo; do
        while grep -q "^$module " /proc/modules; do /sbin/rmmod $module; done
    done
}
with "# the reason
blacklist can" "29 raw 0"
with "install can /bin/true" "29 raw 0"
with "install can sleep 0.1; /sbin/modprobe --ignore-install can
install net-pf-27 /sbin/modprobe can-raw" "29 raw 0" 27
with "install xfrm_algo /bin/true" "15 raw 2"
with "softdep can pre: phonet post: llc2
install can /bin/true" "29 raw 0"
with "alias net-pf-29 phonet" "29 raw 0"
with "alias net-pf-29 off" "29 raw 0"
with "" "29 raw 0"
"##;
