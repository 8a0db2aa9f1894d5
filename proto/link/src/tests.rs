use std::sync::Arc;

use smallvec::smallvec;

use crate::*;

fn info() -> ConnectionInfo {
    ConnectionInfo {
        connection: "c-1".parse().unwrap(),
        hub: "chat".parse().unwrap(),
        authenticated: true,
        claims: vec![Claim {
            name: "sub".into(),
            value: "ana".into(),
        }],
        headers: vec![Header {
            name: "user-agent".into(),
            value: "x".into(),
        }],
        path: "/hubs/chat".into(),
        query: "a=1".into(),
        remote: Some("127.0.0.1:4".parse().unwrap()),
        local: None,
        transport: Transport::WebSockets,
        protocol: Encoding::Json,
    }
}

fn arguments() -> Arguments {
    Arguments {
        encoding: Encoding::MessagePack,
        bytes: vec![0x91, 0xa1, b'x'].into(),
    }
}

fn item() -> Payload {
    Payload {
        encoding: Encoding::Json,
        bytes: "42".into(),
    }
}

fn to_hub_host() -> Vec<ToHubHost> {
    vec![
        ToHubHost::Identify(Arc::new(info())),
        ToHubHost::Opened {
            info: Arc::new(info()),
            user: Some("ana".parse().unwrap()),
        },
        ToHubHost::Invocation(Invocation {
            connection: "c-1".parse().unwrap(),
            invocation_id: Some("7".parse().unwrap()),
            kind: InvocationKind::Call,
            target: "Send".into(),
            arguments: arguments(),
            stream_ids: smallvec!["8".parse().unwrap()],
            takes_slot: true,
        }),
        ToHubHost::Ack {
            id: AckId(3),
            outcome: AckOutcome::UnknownConnection,
        },
        ToHubHost::UploadItem {
            connection: "c-1".parse().unwrap(),
            stream_id: "8".parse().unwrap(),
            item: item(),
        },
        ToHubHost::UploadEnd {
            connection: "c-1".parse().unwrap(),
            stream_id: "8".parse().unwrap(),
            error: Some("bad".into()),
        },
        ToHubHost::Cancel {
            connection: "c-1".parse().unwrap(),
            invocation_id: "7".parse().unwrap(),
        },
        ToHubHost::ClientResult {
            request: RequestId(4),
            outcome: ClientOutcome::Value(item()),
        },
        ToHubHost::Window {
            connection: "c-1".parse().unwrap(),
            bytes: 32768,
        },
        ToHubHost::Credit {
            caller: Caller::HubHost,
            bytes: 100,
        },
        ToHubHost::Answer {
            id: AckId(5),
            answer: Answer::Connections(vec![Member {
                connection: "c-1".parse().unwrap(),
                user: None,
            }]),
        },
        ToHubHost::Answer {
            id: AckId(6),
            answer: Answer::Users(vec!["ana".parse().unwrap()]),
        },
        ToHubHost::Closed {
            connection: "c-1".parse().unwrap(),
            reason: CloseReason::ClientError("bye".into()),
        },
        ToHubHost::Presence(PresenceChanges {
            hub: "chat".parse().unwrap(),
            changes: vec![
                PresenceChange::Joined {
                    group: "g".parse().unwrap(),
                    connection: "c-1".parse().unwrap(),
                    user: Some("ana".parse().unwrap()),
                },
                PresenceChange::Left {
                    group: "".parse().unwrap(),
                    connection: "c-1".parse().unwrap(),
                    user: None,
                },
                PresenceChange::Online("ana".parse().unwrap()),
                PresenceChange::Offline("ana".parse().unwrap()),
            ],
        }),
        ToHubHost::Closed {
            connection: "c-1".parse().unwrap(),
            reason: CloseReason::ByHub("too loud".into()),
        },
    ]
}

fn to_gateway() -> Vec<ToGateway> {
    let connection = || "c-1".parse().unwrap();
    vec![
        ToGateway::Identified(Identified {
            connection: connection(),
            user: None,
            error: Some("no".into()),
        }),
        ToGateway::Done(Done {
            connection: connection(),
            stage: Stage::Opening,
            error: Some("no".into()),
        }),
        ToGateway::Completion(Completion {
            connection: connection(),
            invocation_id: "7".parse().unwrap(),
            outcome: Outcome::Value(Payload {
                encoding: Encoding::Json,
                bytes: "42".into(),
            }),
            releases_slot: true,
        }),
        ToGateway::SlotReleased {
            connection: connection(),
        },
        ToGateway::StreamItem {
            connection: connection(),
            invocation_id: "7".parse().unwrap(),
            item: item(),
        },
        ToGateway::UploadCredit {
            connection: connection(),
            stream_id: "8".parse().unwrap(),
            items: 5,
        },
        ToGateway::UploadClosed {
            connection: connection(),
            stream_id: "8".parse().unwrap(),
        },
        ToGateway::Item {
            connection: connection(),
            key: "k".into(),
            value: None,
        },
        ToGateway::ToConnection(ConnectionSend {
            caller: Caller::Connection(connection()),
            connection: connection(),
            target: "m".into(),
            arguments: arguments(),
        }),
        ToGateway::ClientResult(ClientResultRequest {
            request: RequestId(4),
            caller: Caller::Connection(connection()),
            hub: "chat".parse().unwrap(),
            connection: connection(),
            target: "ask".into(),
            arguments: arguments(),
        }),
        ToGateway::CancelClientResult {
            request: RequestId(4),
            caller: Caller::Connection(connection()),
            hub: "chat".parse().unwrap(),
            connection: connection(),
        },
        ToGateway::Query(Query {
            ack: AckId(5),
            caller: Caller::Connection(connection()),
            hub: "chat".parse().unwrap(),
            audience: Audience::All,
            question: Question::Connections {
                after: Some(connection()),
                limit: 10,
            },
        }),
        ToGateway::Send(Send {
            caller: Caller::HubHost,
            delivery: Delivery {
                hub: "chat".parse().unwrap(),
                audience: Audience::Groups(smallvec!["g".parse().unwrap(), "".parse().unwrap()]),
                except: smallvec![connection()],
                target: "m".into(),
                arguments: arguments(),
            },
        }),
        ToGateway::Group(GroupChange {
            ack: AckId(1),
            caller: Caller::Connection(connection()),
            operation: GroupOperation::Add,
            hub: "chat".parse().unwrap(),
            group: "g".parse().unwrap(),
            connection: connection(),
        }),
        ToGateway::Close(CloseRequest {
            caller: Caller::HubHost,
            hub: "chat".parse().unwrap(),
            connection: connection(),
            reason: Some("too loud".into()),
            allow_reconnect: true,
        }),
        ToGateway::Query(Query {
            ack: AckId(6),
            caller: Caller::Connection(connection()),
            hub: "chat".parse().unwrap(),
            audience: Audience::All,
            question: Question::Users {
                after: Some("ana".parse().unwrap()),
                limit: 10,
            },
        }),
    ]
}

#[test]
fn every_frame_survives_the_way_over_bytes() {
    for frame in to_hub_host() {
        assert_eq!(
            codec::decode::<ToHubHost>(&codec::encode(&frame).unwrap()).unwrap(),
            frame
        );
    }
    for frame in to_gateway() {
        assert_eq!(
            codec::decode::<ToGateway>(&codec::encode(&frame).unwrap()).unwrap(),
            frame
        );
    }
}

#[test]
fn cut_and_padded_frames_are_refused() {
    for frame in to_gateway() {
        let mut bytes = codec::encode(&frame).unwrap();
        assert!(codec::decode::<ToGateway>(&bytes[..bytes.len() - 1]).is_err());
        bytes.push(0);
        assert!(codec::decode::<ToGateway>(&bytes).is_err());
    }
}

#[test]
fn every_frame_about_a_connection_keeps_that_connections_order() {
    let callers: Vec<_> = to_gateway().iter().map(ToGateway::caller).collect();
    let own = Caller::Connection("c-1".parse().unwrap());
    let hub_host = callers.iter().filter(|caller| **caller == Caller::HubHost);
    assert_eq!(hub_host.count(), 2, "a send and a close of background code");
    let others = callers.iter().filter(|caller| **caller != Caller::HubHost);
    assert!(others.into_iter().all(|caller| *caller == own));
}

#[test]
fn both_ends_count_windows_and_credits_alike() {
    let windows: Vec<_> = to_gateway()
        .iter()
        .map(ToGateway::window_bytes)
        .filter(|bytes| *bytes > 0)
        .collect();
    assert_eq!(
        windows,
        [67, 67, 68],
        "completion, stream item, send to one connection"
    );
    let credits: Vec<_> = to_gateway()
        .iter()
        .map(ToGateway::credit_bytes)
        .filter(|bytes| *bytes > 0)
        .collect();
    assert_eq!(credits, [68], "a send to an audience");
}
