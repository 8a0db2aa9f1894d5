use super::*;

const TIMED_OUT: &str = "OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval.";

#[test]
fn pings_go_out_every_interval_from_the_handshake_on_whatever_else_is_sent() {
    let mut rig = Rig::opening(Options::default(), JSON);
    assert_eq!(rig.pass(16.0), ["15: ping"], "while on_connected runs");
    rig.opened();
    rig.client(call("1"));
    rig.pass(8.0);
    assert_eq!(rig.complete("1", json("1")).len(), 1);
    assert_eq!(rig.pass(22.0), ["30: ping", "45: ping"]);
}

#[test]
fn a_client_that_never_pings_is_never_timed_out() {
    let mut rig = Rig::open(Options::default());
    rig.client(call("1"));
    assert_eq!(
        rig.pass(3600.0)
            .iter()
            .filter(|seen| !seen.ends_with("ping"))
            .count(),
        0
    );
}

#[test]
fn silence_counts_from_the_first_ping_and_closes() {
    let mut rig = Rig::open(detailed());
    rig.pass(20.0);
    rig.client(PING);
    let seen = rig.pass(31.0);
    let close = format!(
        "text {{\"type\":7,\"error\":\"Connection closed with an error. {TIMED_OUT}\",\"allowReconnect\":true}}<RS>"
    );
    assert_eq!(
        seen,
        [
            "30: ping".to_owned(),
            "45: ping".into(),
            format!("50: {close}"),
            format!("50: hub closed Some({TIMED_OUT:?})")
        ]
    );
    assert_eq!(rig.closed(), ["close", "ended client_timeout"]);
}

#[test]
fn without_detailed_errors_the_client_is_not_told_why() {
    let mut rig = Rig::open(Options::default());
    rig.client(PING);
    let seen = rig.pass(30.0);
    assert_eq!(
        seen[seen.len() - 2],
        "30: text {\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}<RS>"
    );
}

#[test]
fn a_whole_message_resets_the_clock_and_half_of_one_does_not() {
    let closes = |seen: &[String]| seen.iter().any(|seen| seen.contains("\"type\":7"));
    let mut rig = Rig::open(Options::default());
    rig.client(PING);
    for _ in 0..5 {
        assert!(!closes(&rig.pass(29.0)));
        rig.client(call("1"));
        rig.complete("1", json("1"));
    }
    let mut rig = Rig::open(Options::default());
    rig.client(PING);
    rig.client("{\"type\":1,\"x\":\"");
    for _ in 0..2 {
        assert!(!closes(&rig.pass(14.0)));
        rig.client("a");
    }
    assert!(closes(&rig.pass(2.0)));
}

#[test]
fn silence_closes_while_a_method_runs_but_not_while_a_message_waits_for_its_slot() {
    let mut rig = Rig::open(Options::default());
    rig.client(PING.to_owned() + &call("1"));
    assert!(
        rig.pass(30.0)
            .iter()
            .any(|seen| seen.contains("\"type\":7"))
    );

    let mut rig = Rig::open(Options::default());
    rig.client(PING.to_owned() + &call("1") + &call("2"));
    assert!(
        !rig.pass(100.0)
            .iter()
            .any(|seen| seen.contains("\"type\":7"))
    );
    rig.complete("1", json("1"));
    assert!(
        !rig.pass(29.9)
            .iter()
            .any(|seen| seen.contains("\"type\":7")),
        "from zero when the loop reads again"
    );
    assert!(rig.pass(0.1).iter().any(|seen| seen.contains("\"type\":7")));
}

#[test]
fn silence_does_not_count_while_the_carrier_takes_no_message() {
    let mut rig = Rig::open(Options::default());
    rig.client(PING);
    rig.connection.pause(true, rig.now);
    assert!(
        !rig.pass(100.0)
            .iter()
            .any(|seen| seen.contains("\"type\":7"))
    );
    rig.connection.pause(false, rig.now);
    assert!(
        !rig.pass(29.9)
            .iter()
            .any(|seen| seen.contains("\"type\":7"))
    );
    assert!(rig.pass(0.1).iter().any(|seen| seen.contains("\"type\":7")));
}

#[test]
fn an_expired_token_closes_the_connection_and_the_client_may_come_again() {
    let mut rig = Rig::open(Options::default());
    let in_20_s = rig.now + Duration::from_secs(20);
    rig.connection.expire_at(Some(in_20_s));
    rig.client(call("1"));
    let seen = rig.pass(30.0);
    let close = "text {\"type\":7,\"allowReconnect\":true}<RS>";
    let expected = [
        "15: ping".to_owned(),
        format!("20: {close}"),
        "20: hub closed None".to_owned(),
    ];
    assert_eq!(seen, expected, "a method that runs is not waited for");
    assert_eq!(rig.closed(), ["close", "ended authentication_expired"]);
}

#[test]
fn a_later_request_brings_another_expiry_or_none() {
    let mut rig = Rig::open(Options::default());
    let in_10_s = rig.now + Duration::from_secs(10);
    rig.connection.expire_at(Some(in_10_s));
    rig.pass(5.0);
    rig.connection
        .expire_at(Some(in_10_s + Duration::from_secs(10)));
    assert_eq!(rig.pass(10.0), ["15: ping"]);
    rig.connection.expire_at(None);
    assert_eq!(rig.pass(30.0), ["30: ping", "45: ping"]);
}

#[test]
fn a_token_that_expires_before_the_handshake_is_answered_cancels_it() {
    let mut rig = Rig::new(Options::default());
    rig.connection
        .expire_at(Some(rig.now + Duration::from_secs(1)));
    let seen = rig.pass(2.0);
    assert_eq!(
        seen[..2],
        [
            "1: text {\"error\":\"Handshake was canceled.\"}<RS>",
            "1: close"
        ]
    );
}
