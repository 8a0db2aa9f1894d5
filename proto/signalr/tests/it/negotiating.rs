//! Negotiate: versions, and bodies to the byte.

use hubplane_proto_signalr::NegotiateResponse;
use hubplane_proto_signalr::negotiate::{self, Transport, TransportOffer};

use crate::{field, rows};

struct Endpoint {
    minimum: i32,
    stateful: bool,
    transports: Vec<TransportOffer>,
}

impl Endpoint {
    fn of(row: &str) -> Self {
        let mut endpoint = Self {
            minimum: 0,
            stateful: true,
            transports: offers(&Transport::ALL),
        };
        match row.split_once('=') {
            Some(("minimum", minimum)) => endpoint.minimum = minimum.parse().expect("a number"),
            Some(("stateful", _)) => endpoint.stateful = false,
            Some(("transports", names)) => {
                let named = |name| {
                    Transport::ALL
                        .into_iter()
                        .find(|transport| transport.name() == name)
                };
                let transports: Vec<_> = names
                    .split(',')
                    .map(|name| named(name).expect("known"))
                    .collect();
                endpoint.transports = offers(&transports);
            }
            _ => assert_eq!(row, "defaults"),
        }
        endpoint
    }

    fn answer(&self, query: &str) -> NegotiateResponse {
        let version = value(query, "negotiateVersion");
        match negotiate::select_version(version.as_deref(), self.minimum) {
            Ok(version) => {
                let asked = value(query, "useStatefulReconnect");
                let stateful =
                    self.stateful && negotiate::asks_for_stateful_reconnect(asked.as_deref());
                NegotiateResponse::accepted(
                    version,
                    "<connectionId>",
                    "<token>",
                    stateful,
                    &self.transports,
                )
            }
            Err(error) => NegotiateResponse::error(error.client_text()),
        }
    }
}

fn offers(transports: &[Transport]) -> Vec<TransportOffer> {
    transports
        .iter()
        .map(|transport| transport.offer())
        .collect()
}

/// A query value as the reference sees it: keys in any letter case, repeated ones joined by a comma.
fn value(query: &str, key: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let values: Vec<_> = pairs
        .filter(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| value.replace("%20", " "))
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

#[test]
fn requests_are_answered_as_recorded() {
    let rows = rows(include_str!("../vectors/negotiate.txt"));
    assert!(rows.len() > 30, "the vectors are there");
    for row in rows {
        let answer = Endpoint::of(row[0]).answer(field(&row, 'C'));
        let body = String::from_utf8(answer.to_json()).expect("text");
        assert_eq!(body, field(&row, 'S'), "{row:?}");
        assert_eq!(
            NegotiateResponse::from_json(body.as_bytes()),
            Some(answer),
            "clients read it as it was meant"
        );
    }
}

#[test]
fn a_redirect_has_an_address_and_perhaps_a_token() {
    let plain = NegotiateResponse::redirect("http://example.test/testHub?numRedirects=1", None);
    assert_eq!(
        plain.to_json(),
        br#"{"url":"http://example.test/testHub?numRedirects=1"}"#
    );
    let with_token = NegotiateResponse::redirect("https://a/b", Some("t".into()));
    assert_eq!(
        with_token.to_json(),
        br#"{"url":"https://a/b","accessToken":"t"}"#
    );
}

#[test]
fn clients_skip_what_they_do_not_know_and_refuse_what_has_the_wrong_type() {
    let body = br#"{"x":[{}],"error":null,"connectionId":"i","availableTransports":[{"transport":"Pigeons","transferFormats":["Text"]},{"y":1,"transferFormats":["Binary","Smoke"],"transport":"WebSockets"}]}"#;
    let response = NegotiateResponse::from_json(body).expect("a response");
    assert_eq!(
        (response.error, response.connection_id.as_deref()),
        (None, Some("i"))
    );
    assert_eq!(response.transports.len(), 1);
    assert!(
        response.transports[0].transfer_formats.binary
            && !response.transports[0].transfer_formats.text
    );
    for body in [
        r#"[]"#,
        r#""#,
        r#"{"connectionId":5}"#,
        r#"{"availableTransports":{}}"#,
        r#"{"negotiateVersion":"1"}"#,
    ] {
        assert_eq!(
            NegotiateResponse::from_json(body.as_bytes()),
            None,
            "{body}"
        );
    }
}
