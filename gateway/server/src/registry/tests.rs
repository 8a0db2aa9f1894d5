use super::*;

const TIMEOUT: Duration = Duration::from_secs(15);

const WEB_SOCKETS: Transport = Transport::WebSockets;

/// Gives it to a shard, which has nothing to do with it.
fn placed(attached: Attached, shard: u8) -> Attached {
    let mut given = None;
    attached.place(shard, |attached, _| given = Some(attached));
    given.unwrap()
}

fn negotiate(registry: &Arc<Registry>, now: Instant) -> ConnectionToken {
    let token = ConnectionToken::random().unwrap();
    let chat = negotiated(ConnectionId::random().unwrap());
    assert!(registry.negotiated(token.clone(), chat, now));
    token
}

fn negotiated(connection: ConnectionId) -> Negotiated {
    Negotiated {
        connection,
        hub: "chat".parse().unwrap(),
        is_stateful: false,
    }
}

#[test]
fn a_token_attaches_once_and_ends_with_its_connection() {
    let (registry, now) = (Registry::new(TIMEOUT, 10), Instant::now());
    let (hub, other) = ("chat".parse().unwrap(), "other".parse().unwrap());
    let token = negotiate(&registry, now);
    let found = registry.find(&token, &hub, now).unwrap();
    assert_eq!((found.transport, found.owner), (None, None));
    assert_eq!(
        registry
            .attach(&token, &other, WEB_SOCKETS, now)
            .unwrap_err(),
        AttachError::Unknown,
        "of another hub"
    );
    let attached = registry.attach(&token, &hub, WEB_SOCKETS, now).unwrap();
    let attached = placed(attached, 3);
    assert_eq!(registry.shard(attached.connection()), Some(3));
    assert!(registry.has(&hub, attached.connection()));
    assert!(!registry.has(&other, attached.connection()));
    assert_eq!(
        registry.attach(&token, &hub, WEB_SOCKETS, now).unwrap_err(),
        AttachError::Attached(WEB_SOCKETS)
    );
    let found = registry.find(&token, &hub, now + 2 * TIMEOUT).unwrap();
    assert_eq!(found.transport, Some(WEB_SOCKETS));
    assert!(found.owner.is_some());
    let connection = attached.connection().clone();
    drop(attached);
    assert_eq!(registry.shard(&connection), None);
    assert_eq!(
        registry.attach(&token, &hub, WEB_SOCKETS, now).unwrap_err(),
        AttachError::Unknown
    );
}

#[test]
fn what_nobody_attaches_to_is_forgotten() {
    let (registry, now) = (Registry::new(TIMEOUT, 2), Instant::now());
    let hub = "chat".parse().unwrap();
    let token = negotiate(&registry, now);
    negotiate(&registry, now);
    let third = ConnectionToken::random().unwrap();
    let id = ConnectionId::random().unwrap();
    assert!(!registry.negotiated(third.clone(), negotiated(id.clone()), now));
    let later = now + TIMEOUT;
    assert_eq!(registry.find(&token, &hub, later), None);
    assert_eq!(registry.waiting(), 0);
    assert!(registry.negotiated(third, negotiated(id), later));
}

#[test]
fn what_is_posted_before_a_transport_attaches_is_kept_for_it_within_bounds() {
    let (registry, now) = (Registry::new(TIMEOUT, 10), Instant::now());
    let hub: HubName = "chat".parse().unwrap();
    let token = negotiate(&registry, now);
    let half = vec![b'x'; POSTED_BYTES_MAX / 2];
    assert_eq!(registry.post(&token, &hub, &half, now), Posted::Kept);
    assert_eq!(registry.post(&token, &hub, &half, now), Posted::Kept);
    assert_eq!(registry.post(&token, &hub, b"x", now), Posted::Full);
    let attached = registry
        .attach(&token, &hub, Transport::LongPolling, now)
        .unwrap();
    attached.place(1, |attached, posted| {
        assert_eq!(posted.len(), POSTED_BYTES_MAX);
        std::mem::forget(attached);
    });
    assert!(matches!(
        registry.post(&token, &hub, b"x", now),
        Posted::For(_)
    ));
    assert!(registry.delete(&token, &hub).is_some());
    assert_eq!(registry.post(&token, &hub, b"x", now), Posted::Gone);
    assert_eq!(registry.lock().posted_bytes, 0);
    let token = negotiate(&registry, now);
    assert_eq!(registry.post(&token, &hub, &half, now), Posted::Kept);
    registry.expire(now + TIMEOUT);
    assert_eq!(registry.lock().posted_bytes, 0);
}
