"""The largest of what a proposal carries beside its request, each limit with its name and unit."""

TITLE_CHARACTERS_MAX = 500
"""Characters of a title."""

NOTES_CHARACTERS_MAX = 20_000
"""Characters of an adviser's notes, and of the note of an override."""

REASON_CHARACTERS_MAX = 20_000
"""Characters of the JSON of an event's reason or an approval's details."""

VERSION_NO_MAX = 2_000_000_000
"""The largest number that a version is asked for by."""

LIST_MAX = 100
"""Proposals of one page of a list."""

INLINE_BODY_BYTES_MAX = 200_000
"""A body up to this size is read on the event loop, in about a millisecond; a larger one takes a thread."""
