use crate::{
    ConnectionId, ConnectionToken, Generation, GroupName, HubName, NodeId, NodeName, UserId,
};

#[test]
fn every_kind_keeps_its_text_within_its_bounds() {
    let long = "x".repeat(1025);
    assert_eq!("chat".parse::<HubName>().unwrap().as_str(), "chat");
    assert!("".parse::<HubName>().is_err());
    assert!(long.parse::<HubName>().is_err());
    assert!(
        "".parse::<GroupName>().is_ok(),
        "the empty group is an ordinary group"
    );
    assert!(long.parse::<GroupName>().is_err());
    assert!("".parse::<ConnectionId>().is_err());
    assert_eq!(
        long.parse::<UserId>().unwrap_err().to_string(),
        "a UserId has 0 to 1024 bytes, this text has 1025"
    );
}

#[test]
fn a_random_connection_id_is_url_safe_and_its_own() {
    let (one, two) = (
        ConnectionId::random().unwrap(),
        ConnectionId::random().unwrap(),
    );
    assert_ne!(one, two);
    assert_eq!(one.as_str().len(), 22);
    assert!(
        one.as_str()
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    );
}

#[test]
fn a_token_never_shows_itself() {
    let token = ConnectionToken::from_request("very-secret");
    assert_eq!(format!("{token:?}"), "ConnectionToken(redacted)");
    assert_eq!(token, ConnectionToken::from_request("very-secret"));
    assert_ne!(token, ConnectionToken::from_request("very-secreT"));
}

#[test]
fn a_restarted_node_is_another_node() {
    let name: NodeName = "gateway-0".parse().unwrap();
    let before = NodeId {
        name: name.clone(),
        generation: Generation::from_raw(1),
    };
    let after = NodeId {
        name,
        generation: Generation::from_raw(2),
    };
    assert_ne!(before, after);
    assert_eq!(before.to_string(), "gateway-0.0000000000000001");
}
