#!/bin/sh
# The demo's load: provokes interesting module requests for ever, in a guest of its own.
# Needs there: provoke, and the modules of xtask/src/run.rs. Changes: kernel.modprobe, /etc/modprobe.d, modules.

wrapper=/tmp/slow-modprobe
cat >"$wrapper" <<'WRAPPER'
#!/bin/sh
# From 0.2 to 4 s, then the real thing.
tenths=$((RANDOM % 39 + 2))
sleep "$((tenths / 10)).$((tenths % 10))"
exec /sbin/modprobe "$@"
WRAPPER
chmod +x "$wrapper"
# A helper that exits 0 with nothing loaded.
echo 'install phonet /bin/true' >/etc/modprobe.d/demo.conf

pause() {
    sleep "$((RANDOM % 2)).$((RANDOM % 10))"
}

helper() {
    echo "$1" >/proc/sys/kernel/modprobe
}

unload() {
    /sbin/rmmod "$@" 2>/dev/null
}

while :; do
    # Live, with a dependency: net-pf-29, then can-proto-1.
    provoke socket 29 raw 1
    pause
    # Live, by another family.
    provoke socket 15 raw 2
    # Not found.
    provoke socket 27
    provoke fs nosuchfs
    pause
    # Hollow.
    provoke socket 35 dgram 0
    pause
    unload can_raw
    unload can
    # Eight at once for one module, by a slow helper.
    helper "$wrapper"
    provoke sockets 8 29
    helper /sbin/modprobe
    unload can
    unload af_key
    # A slow one that stands alone.
    helper "$wrapper"
    provoke socket 26 dgram 0
    # The requester is killed while its helper still runs.
    provoke kill-after 100 -- provoke socket 29 raw 1
    sleep 4
    helper /sbin/modprobe
    unload llc2
    unload can_raw
    unload can
    # Different ones at once.
    provoke sockets 5 15 29 26 27 35
    pause
    unload llc2
    unload af_key
    unload can
done
