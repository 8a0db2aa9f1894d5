use super::*;

/// What is configured if nothing is said.
const HISTORY_LINES_MAX: usize = 100;
const PEOPLE_MAX: usize = 64;
const ROOMS_MAX: usize = 1_000;

const NOW: u64 = 1_700_000_000_000;

fn rooms() -> Rooms {
    Rooms::new(ChatSettings::default(), NOW)
}

fn id(name: &str) -> ConnectionId {
    ConnectionId::new(name).unwrap()
}

/// Comes in with a key of its own.
fn enter(rooms: &mut Rooms, connection: &str, room: &str, name: &str) -> Result<Entered, Refusal> {
    rooms.enter(&id(connection), room, name, connection, NOW)
}

fn people(rooms: &mut Rooms, room: &str) -> Vec<String> {
    rooms.here(room).people
}

#[test]
fn who_comes_is_here_until_they_leave() {
    let mut rooms = rooms();
    enter(&mut rooms, "1", "Harbour", "Bo").unwrap();
    enter(&mut rooms, "2", "harbour ", "Ana").unwrap();
    assert_eq!(people(&mut rooms, "harbour"), ["Ana", "Bo"]);
    assert_eq!(rooms.leave(&id("2")).as_deref(), Some("harbour"));
    assert_eq!(people(&mut rooms, "harbour"), ["Bo"]);
    assert_eq!(rooms.leave(&id("2")), None);
}

#[test]
fn a_name_is_taken_once_per_room() {
    let mut rooms = rooms();
    enter(&mut rooms, "1", "a", "Ana").unwrap();
    let taken = enter(&mut rooms, "2", "a", " ANA ").unwrap_err();
    assert_eq!(taken.to_string(), "Ana is taken in a; choose another name");
    enter(&mut rooms, "2", "b", "Ana").unwrap();
    rooms.leave(&id("1"));
    enter(&mut rooms, "3", "a", "ana").unwrap();
}

#[test]
fn the_same_window_is_the_same_person() {
    let mut rooms = rooms();
    rooms.enter(&id("old"), "a", "Ana", "key", NOW).unwrap();
    rooms.enter(&id("new"), "a", "Ana", "key", NOW).unwrap();
    assert_eq!(people(&mut rooms, "a"), ["Ana"]);
    rooms.leave(&id("old"));
    assert_eq!(people(&mut rooms, "a"), ["Ana"]);
    rooms.leave(&id("new"));
    assert!(people(&mut rooms, "a").is_empty());
}

#[test]
fn without_a_key_nobody_is_the_same_person() {
    let mut rooms = rooms();
    rooms.enter(&id("1"), "a", "Ana", "", NOW).unwrap();
    assert!(rooms.enter(&id("2"), "a", "Ana", "", NOW).is_err());
    rooms.enter(&id("1"), "a", "ANA", "", NOW).unwrap();
    assert_eq!(people(&mut rooms, "a"), ["ANA"]);
}

#[test]
fn a_connection_is_in_one_room() {
    let mut rooms = rooms();
    enter(&mut rooms, "1", "a", "Ana").unwrap();
    let entered = enter(&mut rooms, "1", "b", "Ana").unwrap();
    assert_eq!(
        (entered.room.as_str(), entered.left.as_deref()),
        ("b", Some("a"))
    );
    assert!(people(&mut rooms, "a").is_empty());
    let renamed = enter(&mut rooms, "1", "b", "Anna").unwrap();
    assert_eq!(renamed.left, None);
    assert_eq!(people(&mut rooms, "b"), ["Anna"]);
}

#[test]
fn who_is_refused_stays_where_they_were() {
    let mut rooms = rooms();
    enter(&mut rooms, "1", "a", "Ana").unwrap();
    enter(&mut rooms, "2", "b", "Ana").unwrap();
    enter(&mut rooms, "1", "b", "Ana").unwrap_err();
    assert_eq!(people(&mut rooms, "a"), ["Ana"]);
    rooms.say(&id("1"), "still here", NOW).unwrap();
}

#[test]
fn what_was_said_this_minute_is_told_to_who_comes() {
    let mut rooms = rooms();
    enter(&mut rooms, "1", "a", "Ana").unwrap();
    let first = rooms.say(&id("1"), "first", NOW).unwrap();
    let second = rooms.say(&id("1"), " second ", NOW + 30_000).unwrap();
    assert!(second.number > first.number);
    enter(&mut rooms, "2", "a", "Bo").unwrap();
    let said = rooms.welcome(&id("2"), NOW + 59_999).unwrap().said;
    assert_eq!(said, [first, second.clone()]);
    assert_eq!(
        rooms.welcome(&id("2"), NOW + 60_000).unwrap().said,
        [second]
    );
}

#[test]
fn a_room_that_everybody_left_is_remembered_for_a_minute() {
    let mut rooms = rooms();
    enter(&mut rooms, "1", "a", "Ana").unwrap();
    rooms.say(&id("1"), "bye", NOW).unwrap();
    rooms.leave(&id("1"));
    rooms.enter(&id("2"), "a", "Ana", "", NOW + 1_000).unwrap();
    assert_eq!(rooms.welcome(&id("2"), NOW + 1_000).unwrap().said.len(), 1);
    rooms.leave(&id("2"));
    rooms.enter(&id("3"), "b", "Ana", "", NOW + 61_000).unwrap();
    assert_eq!(rooms.rooms.len(), 1);
}

#[test]
fn history_is_bounded_in_lines_and_in_bytes() {
    let mut rooms = rooms();
    enter(&mut rooms, "1", "a", "Ana").unwrap();
    for n in 0..HISTORY_LINES_MAX + 5 {
        rooms.say(&id("1"), &n.to_string(), NOW).unwrap();
    }
    let said = rooms.welcome(&id("1"), NOW).unwrap().said;
    assert_eq!(
        (said.len(), said[0].text.as_str()),
        (HISTORY_LINES_MAX, "5")
    );
    for _ in 0..HISTORY_LINES_MAX {
        rooms
            .say(&id("1"), &"é".repeat(TEXT_CHARS_MAX), NOW)
            .unwrap();
    }
    let room = &rooms.rooms["a"];
    assert!(
        room.said_bytes <= HISTORY_BYTES_MAX && room.said.len() == 8,
        "{}",
        room.said.len()
    );
    assert_eq!(
        room.said_bytes,
        room.said.iter().map(Line::cost).sum::<usize>()
    );
}

#[test]
fn rooms_people_and_connections_are_bounded() {
    let mut rooms = rooms();
    for n in 0..PEOPLE_MAX {
        enter(&mut rooms, &format!("p{n}"), "full", &format!("p{n}")).unwrap();
    }
    let full = Refusal::Full {
        room: "full".to_owned(),
    };
    assert_eq!(enter(&mut rooms, "late", "full", "late"), Err(full));
    for n in 1..ROOMS_MAX {
        enter(&mut rooms, &format!("r{n}"), &format!("room {n}"), "x").unwrap();
    }
    assert_eq!(
        enter(&mut rooms, "late", "more", "x"),
        Err(Refusal::TooManyRooms)
    );
    rooms.leave(&id("r1"));
    enter(&mut rooms, "late", "more", "x").unwrap();

    for n in 0..=CONNECTIONS_PER_PERSON_MAX {
        let connection = id(&format!("again{n}"));
        rooms
            .enter(&connection, "more", "many", "key", NOW)
            .unwrap();
    }
    assert_eq!(rooms.say(&id("again0"), "x", NOW), Err(Refusal::Nowhere));
    rooms.say(&id("again1"), "x", NOW).unwrap();
}

#[test]
fn news_are_numbered_above_those_of_an_earlier_process() {
    let mut earlier = rooms();
    enter(&mut earlier, "1", "a", "Ana").unwrap();
    let old = (0..1_000)
        .map(|_| earlier.here("a").version)
        .last()
        .unwrap();
    assert!(
        Rooms::new(ChatSettings::default(), NOW + 1_000)
            .here("a")
            .version
            > old
    );
}

#[test]
fn nobody_speaks_from_nowhere() {
    assert_eq!(rooms().say(&id("1"), "x", NOW), Err(Refusal::Nowhere));
    assert_eq!(Refusal::Nowhere.to_string(), "join a room first");
}
