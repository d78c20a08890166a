"""The files of the paired grammar: reading and checking them, every line of every file.

`data/grammar/README.md` says what each file and column holds. A problem is told with its file and line, what is
wrong and what would be right, and all problems at once.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mtattn.corpus.grammar.conjugation import (
    STEM_CHANGES,
    EnglishVerb,
    SpanishVerb,
    english_degrees,
    english_plural,
    spanish_feminine,
    spanish_plural,
)
from mtattn.corpus.grammar.lexicon import (
    SIMPLE_ES,
    Adjective,
    Complement,
    Construction,
    Determiner,
    Lexicon,
    Mark,
    MarkedPhrase,
    Modal,
    Noun,
    Tense,
    Verb,
    parse_marks,
)
from mtattn.errors import DataError

SHAPES = ("sg", "pl", "mass")
FINITE_EN = (
    "pres",
    "past",
    "will",
    "would",
    "going",
    "was_going",
    "have",
    "had",
    "would_have",
    "prog",
    "was",
)
ENGLISH_TENSES = (*FINITE_EN, "used", "inf", "to", "ing", "pp", "imper", "let")
SPANISH_TENSES = (
    *SIMPLE_ES,
    "perf",
    "plup",
    "condperf",
    "psubj",
    "pisubj",
    "prog",
    "pprog",
    "going",
    "pgoing",
)
_TENSE_LETTERS = "hpeasiq"
_VERB_LETTERS = _TENSE_LETTERS + "dw"
SLOT_OPTIONS = {
    "subject": "class kind person det of other",
    "you": "person",
    "generic": "",
    "infinitive": "",
    "echo": "of",
    "predicate": "of tense neg frames obj modal where how mid verb det letters when",
    "verb": "es en of by dat tense neg",
    "there": "of tense neg",
    "np": "class det adj owner plural",
    "holder": "pronouns",
    "profession": "class of",
    "bare_noun": "class of plural",
    "mine": "of",
    "like": "of",
    "object": "of det plural",
    "adjective": "of use compared only degree",
    "place": "class",
    "time": "of list",
    "phrase": "list",
}
_DATIVE = ("to", "for", "to!")
_COMPLEMENTS = "-, obj DET CLASSES, prep ES/EN DET CLASSES or dat to|for|to! DET CLASSES"


class GrammarFiles:
    """Reads the folder, keeping every problem until `load` tells them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lexicon = Lexicon()
        self.problems: list[str] = []
        self._where = ""
        self._seen: dict[tuple[str, ...], str] = {}
        self._not_with: list[tuple[str, str]] = []

    def problem(self, what: str, fix: str) -> None:
        """Note a problem of the line being read."""
        self.problems.append(f"{self._where}: {what}; {fix}")

    def _lines(self, name: str) -> Iterator[str]:
        try:
            text = (self.folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self._where = name
            self.problem(f"the file cannot be read ({error.__class__.__name__})", "restore it, as UTF-8 text")
            return
        for number, line in enumerate(text.split("\n"), 1):
            self._where = f"{name}:{number}"
            if not line.startswith("#"):
                yield line.rstrip()

    def _rows(self, name: str, columns: str) -> Iterator[list[str]]:
        """Give the rows of a TSV file, short ones filled up, after checking their number of columns."""
        names = columns.split()
        n_needed = sum(not column.endswith("?") for column in names)
        for line in self._lines(name):
            if not line:
                continue
            row = [cell.strip() for cell in line.split("\t")]
            if not n_needed <= len(row) <= len(names) or not all(row[:n_needed]):
                wanted = ", ".join(column.rstrip("?") for column in names)
                self.problem(
                    f"the line has {len([cell for cell in row if cell])} filled columns",
                    f"write {wanted}, with tabs between",
                )
                continue
            yield row + [""] * (len(names) - len(row))

    def _new(self, *key: str) -> bool:
        """Say whether a key is new; note a problem if it is not."""
        before = self._seen.setdefault(key, self._where)
        if before == self._where:
            return True
        self.problem(f"{' '.join(key[1:])} stands at {before} too", "keep one of the two lines")
        return False

    def _choice(self, value: str, allowed: Iterable[str], what: str) -> bool:
        options = list(allowed)
        if value in options:
            return True
        self.problem(f"{value!r} is no {what}", f"write one of {', '.join(sorted(o for o in options if o[0] != '='))}")
        return False

    def _classes(self, names: list[str]) -> list[str]:
        """Check class names; `=pan` is the class that holds the noun pan alone."""
        known = self.lexicon.classes
        return [
            name
            for name in names
            if name in known or self._choice(name, known, "class (see classes.tsv) nor =NOUN of nouns.tsv")
        ]

    def load(self) -> Lexicon:
        """Read everything.

        Raises:
            DataError: a line is wrong; the message tells all that are.
        """
        steps = (
            self._read_classes, self._read_spanish, self._read_english, self._read_tenses, self._read_nouns,
            self._read_names, self._read_adjectives, self._read_phrases, self._read_determiners,
            self._read_verbs, self._read_modals, self._read_constructions,
        )  # fmt: skip
        for step in steps:
            step()
        self.tell()
        return self.lexicon

    def tell(self) -> None:
        """Raise DataError if there are problems."""
        if self.problems:
            n = len(self.problems)
            raise DataError(
                f"{n} problem{'s' * (n > 1)} in the grammar\n" + "\n".join(self.problems), where=self.folder
            )

    def _read_classes(self) -> None:
        for name, parents, _ in self._rows("classes.tsv", "class parents meaning"):
            if not self._new("class", name):
                continue
            above = {name}
            for parent in [] if parents == "-" else parents.split():
                if self._choice(parent, self.lexicon.classes, "class above this line"):
                    above |= self.lexicon.classes[parent]
            self.lexicon.classes[name] = frozenset(above)

    def _read_spanish(self) -> None:
        for infinitive, change, special in self._rows("spanish_verbs.tsv", "infinitive stem-change? forms?"):
            forms: dict[str, list[str]] = {}
            if change and not self._choice(change, STEM_CHANGES, "stem change"):
                continue
            for item in special.split():
                name, _, values = item.partition("=")
                forms[name] = values.split(",")
                sizes = {"pret": (1, 6), "fut": (1, 6)}.get(name, (1,) if name in ("yo", "part", "ger", "tu") else (6,))
                if self._choice(
                    name, ("pres", "pret", "imp", "fut", "subj", "yo", "part", "ger", "tu"), "verb form"
                ) and (len(forms[name]) not in sizes or not all(forms[name])):
                    self.problem(
                        f"{name} has {len(forms[name])} forms",
                        f"write {' or '.join(map(str, sizes))}, with commas between",
                    )
            if self._infinitive(infinitive) and self._new("spanish_verb", infinitive):
                self.lexicon.spanish[infinitive] = SpanishVerb(infinitive, change, forms)

    def _read_english(self) -> None:
        for base, past, participle, ing in self._rows("english_verbs.tsv", "base past participle ing?"):
            if self._new("english_verb", base):
                self.lexicon.english[base] = EnglishVerb.of(base, past, participle, ing)

    def _read_tenses(self) -> None:
        for name, es, en, letters in self._rows("tenses.tsv", "name spanish english letters"):
            if (
                self._choice(es, SPANISH_TENSES, "Spanish tense")
                and self._choice(en, ENGLISH_TENSES, "English tense")
                and self._new("tense", name)
            ):
                self.lexicon.tenses[name] = Tense(es, en, _TENSE_LETTERS if letters == "*" else letters)

    def _infinitive(self, word: str) -> bool:
        if re.fullmatch(r"\w+([aei]r|ír)|ir", word) is None:
            self.problem(f"{word!r} is no infinitive", "write one in -ar, -er or -ir")
            return False
        return True

    def _read_nouns(self) -> None:
        columns = "spanish gender english classes count at?"
        for es, gender, en, classes, count, at in self._rows("nouns.tsv", columns):
            if not self._choice(gender, ("m", "f", "fa", "mf"), "gender"):
                continue
            es_count, _, en_count = count.partition("/")
            en_count = en_count or es_count
            if not all(self._choice(part, "cmpns", "count") for part in (es_count, en_count)):
                continue
            if at and not self._choice(at, ("in", "at", "on", "at-bare", "in-bare"), "place preposition"):
                continue
            names = self._classes(classes.split())
            if "place" in {above for name in names for above in self.lexicon.classes[name]} and not at:
                self.problem(f"the place {es!r} has no English preposition", "write in, at or on in column 6")
            words = es.split() if gender == "mf" else [es]
            if gender == "mf" and len(words) != 2:
                self.problem(f"{es!r} has {len(words)} forms, the gender says two", "write masculine and feminine")
                continue
            for word, letter in zip(words, gender if gender == "mf" else [gender], strict=True):
                if not self._new("noun", word, letter[0], en):
                    continue
                singular, _, plural = word.partition("/")
                one, _, many = en.partition("/")
                if "_" in singular or (" " in singular):
                    self.problem(f"{singular!r} has several words", "write one Spanish word")
                    continue
                if en_count == "c" and not many and one.endswith(("man", "child", "fe", "lf")):
                    self.problem(f"the plural of {one!r} is missing", f"write {one}/PLURAL")
                own = f"={singular}"
                self.lexicon.classes.setdefault(own, frozenset([own]))
                self.lexicon.nouns.append(
                    Noun(
                        (singular, singular if es_count == "p" else plural or spanish_plural(singular)),
                        (
                            tuple(one.split()),
                            tuple((one if en_count == "p" else many or english_plural(one)).split()),
                        ),
                        letter[0] == "f",
                        letter == "fa",
                        frozenset([own]).union(*(self.lexicon.classes[name] for name in names)),
                        es_count,
                        en_count,
                        at.removesuffix("-bare"),
                        at.endswith("-bare"),
                    )
                )

    def _read_names(self) -> None:
        for name, gender in self._rows("names.tsv", "name gender"):
            if self._choice(gender, "mf", "gender") and self._new("name", name):
                self.lexicon.names.append((name, gender == "f"))

    def _read_adjectives(self) -> None:
        columns = "spanish english use classes degrees?"
        for es, en, use, classes, degrees in self._rows("adjectives.tsv", columns):
            if not set(use) <= set("sea"):
                self.problem(f"the use {use!r} is unknown", "write s (ser), e (estar), a (beside a noun) or several")
                continue
            word, _, feminine = es.partition("/")
            feminine = feminine or spanish_feminine(word)
            words = tuple(en.split())
            more: tuple[str, ...] = ()
            most: tuple[str, ...] = ()
            es_more = ""
            if degrees == "er":
                more, most = ((form,) for form in english_degrees(en))
            elif degrees == "more":
                more, most = ("more", *words), ("most", *words)
            elif degrees.count(" ") in (1, 2):
                parts = degrees.split()
                more, most, es_more = (parts[0],), (parts[1],), parts[2] if len(parts) == 3 else ""
            elif degrees:
                self.problem(f"the degrees {degrees!r} are unknown", "write er, more, or e.g. better best mejor")
            if not self._new("adjective", word, en):
                continue
            names = frozenset(self._classes(classes.split()))
            forms = ((word, feminine), (spanish_plural(word), spanish_plural(feminine)))
            self.lexicon.adjectives.append(Adjective(forms, words, use, names, more, most, es_more))

    def _marks(self, text: str) -> tuple[Mark, ...]:
        try:
            return parse_marks(text)
        except ValueError as error:
            self.problem(str(error), "write each word with its labels, e.g. semana/2")
            return ()

    def _check_labels(self, es: tuple[Mark, ...], en: tuple[Mark, ...], slots: frozenset[str]) -> None:
        labels = [{label for mark in side for label in mark.sure + mark.loose} for side in (es, en)]
        for label in sorted((labels[0] ^ labels[1]) - slots - {"0"}):
            self.problem(f"the label {label!r} stands on one side only", "give it to a word of the other side too")
        for mark in (*es, *en):
            bare = not mark.sure and not mark.loose and mark.text.split(".")[0].removesuffix("'s") not in slots
            if bare and re.search(r"\w", mark.text):
                self.problem(f"{mark.text!r} has no link label", "write word/LABEL, or word/0 for no counterpart")

    def _read_phrases(self) -> None:
        for name, es, en, tags in self._rows("phrases.tsv", "list spanish english tags?"):
            es_marks, en_marks = self._marks(es), self._marks(en)
            if self._new("phrase", name, es, en):
                self._check_labels(es_marks, en_marks, frozenset())
                phrase = MarkedPhrase(es_marks, en_marks, frozenset(tags.split()))
                self.lexicon.phrases.setdefault(name, []).append(phrase)
                if name.startswith("time"):
                    for tag in sorted(phrase.tags - {"long"}):
                        if tag.startswith("-"):
                            self._not_with.append((self._where, tag[1:]))
                        else:
                            self._choice(tag, self.lexicon.tenses, "tense (see tenses.tsv), nor long, nor -VERB")

    def _read_determiners(self) -> None:
        for name, es, en, shape, sets in self._rows("determiners.tsv", "name spanish english shape sets"):
            masculine, _, feminine = es.partition("/")
            forms = [tuple(part.split()) if part != "-" else () for part in (masculine, feminine or masculine)]
            if not self._choice(shape, SHAPES, "shape"):
                continue
            row = Determiner((forms[0], forms[1]), tuple(en.split()) if en != "-" else (), name)
            for item in sets.split():
                kind, _, weight = item.partition("=")
                try:
                    self.lexicon.determiners.setdefault((kind, shape), []).append((float(weight), row))
                except ValueError:
                    self.problem(f"{item!r} is no weight of a set", "write e.g. any=6")

    def _complement(self, text: str) -> Complement | None:
        parts = text.split()
        if parts == ["-"]:
            return Complement()
        kind, rest = parts[0], parts[1:]
        es = en = ""
        if kind in ("prep", "dat") and rest:
            es, _, en = rest.pop(0).partition("/")
        good = kind in ("obj", "prep", "dat") and len(rest) >= 2 and bool(en) == (kind == "prep")
        if not good or (kind == "dat" and es not in _DATIVE):
            self.problem(f"{text!r} is no complement", f"write {_COMPLEMENTS}")
            return None
        known = {name for name, _ in self.lexicon.determiners}
        if not self._choice(rest[0], known, "set of determiners (see determiners.tsv)"):
            return None
        classes = tuple(self._classes(rest[1:]))
        for name in classes:
            if not any(name in noun.classes for noun in self.lexicon.nouns):
                self.problem(f"no noun is in class {name!r}", "add one to nouns.tsv or name another class")
        double = kind == "dat" and not es.endswith("!")
        return Complement(kind, es, es.removesuffix("!") if kind == "dat" else en, rest[0], classes, double)

    def _read_verbs(self) -> None:
        columns = "spanish english letters subjects complement where? how?"
        for es, en, letters, subjects, complement, where, how in self._rows("verbs.tsv", columns):
            reflexive = es.endswith("se") and es[:-2].endswith("r")
            infinitive = es[:-2] if reflexive else es
            if not self._infinitive(infinitive):
                continue
            if not set(letters) <= set(_VERB_LETTERS):
                self.problem(f"{letters!r} has unknown letters", f"write letters out of {_VERB_LETTERS}")
                continue
            parsed = self._complement(complement)
            names = frozenset(self._classes(subjects.split()))
            places = tuple(self._classes([] if where in ("", "-") else where.split()))
            for noun in self.lexicon.nouns:
                if not noun.at and noun.classes.intersection(places):
                    self.problem(
                        f"{noun.es[0]!r} as a place has no English preposition", "write in, at or on in nouns.tsv"
                    )
            manners = tuple(
                name
                for name in ([] if how in ("", "-") else how.split())
                if self._choice(f"how_{name}", self.lexicon.phrases, "list of phrases")
            )
            if parsed is None or not self._new("verb", es, en, complement):
                continue
            words = en.split()
            self.lexicon.verbs.append(
                Verb(
                    self.lexicon.spanish_verb(infinitive), reflexive, self.lexicon.english_verb(words[0]),
                    tuple(word for word in words[1:] if word != "*"), "*" in words, letters, names, parsed,
                    places, tuple(f"how_{name}" for name in manners), es,
                )
            )  # fmt: skip

        labels = {verb.label for verb in self.lexicon.verbs}
        for where_from, label in self._not_with:
            self._where = where_from
            self._choice(label, labels, "verb (see verbs.tsv)")

    def _read_modals(self) -> None:
        for es, en, tenses, needs, after in self._rows("modals.tsv", "spanish english tenses letters? clitics?"):
            if after and not self._choice(after, ("after",), "place of pronouns"):
                continue
            words, (head, *rest) = es.split(), en.split()
            auxiliary = head in ("can", "could", "should", "must")
            follows = "to" if rest[-1:] == ["to"] else "ing" if rest[-1:] == ["ing"] else "inf"
            simple = [name for name, tense in self.lexicon.tenses.items() if tense.es in SIMPLE_ES]
            good = [name for name in tenses.split() if self._choice(name, simple, "simple tense")]
            if self._infinitive(words[0]) and self._new("modal", es, en):
                self.lexicon.modals.append(
                    Modal(
                        self.lexicon.spanish_verb(words[0]),
                        tuple(words[1:]),
                        self.lexicon.english_verb(head),
                        tuple(rest[:-1] if follows != "inf" else rest),
                        auxiliary,
                        follows,
                        tuple(good),
                        needs or "hpes",
                        not after,
                    )
                )

    def _read_constructions(self) -> None:
        current: Construction | None = None
        es: tuple[Mark, ...] | None = None
        verbs = {verb.label for verb in self.lexicon.verbs}
        adjectives = {row.en[0] for row in self.lexicon.adjectives}
        for line in self._lines("constructions.txt"):
            key, _, value = (part.strip() for part in line.partition(":"))
            if not line:
                continue
            if key == "name":
                self._new("construction", value)
                current, es = Construction(value, self._where), None
                self.lexicon.constructions.append(current)
            elif current is None or not value:
                self.problem(f"{line!r} is out of place", "begin a construction with name: NAME")
            elif key == "weight":
                try:
                    current.weight = float(value)
                except ValueError:
                    self.problem(f"{value!r} is no weight", "write a number")
            elif key == "es":
                es = self._marks(value)
            elif key == "en":
                if es is None:
                    self.problem("an en: line has no es: line above", "write es: first")
                    continue
                en = self._marks(value)
                self._check_labels(es, en, frozenset(current.slots))
                current.variants.append((list(es), list(en)))
                es = None
            elif re.fullmatch(r"[A-Z][A-Z0-9]*", key):
                kind, *options = value.split()
                given = dict(option.partition("=")[::2] for option in options)
                if not self._choice(kind, SLOT_OPTIONS, "kind of slot"):
                    continue
                for name in given:
                    self._choice(name, (*SLOT_OPTIONS[kind].split(), "share"), f"option of {kind}")
                for name in given.get("class", "").split(","):
                    if name:
                        self._classes([name])
                for option, known, what in (
                    ("tense", set(self.lexicon.tenses), "tense (see tenses.tsv)"),
                    ("verb", verbs, "verb (see verbs.tsv)"),
                    ("only", adjectives, "English adjective (see adjectives.tsv)"),
                    ("list", set(self.lexicon.phrases), "list of phrases (see phrases.tsv)"),
                ):
                    for name in given.get(option, "").split(","):
                        if name:
                            self._choice(name, known, what)
                for reference in (given.get(option) for option in ("of", "by", "owner", "dat", "other")):
                    if reference and reference not in current.slots:
                        self.problem(f"slot {key} refers to {reference!r}, which is not above it", "define it first")
                current.slots[key] = (kind, given)
            else:
                self.problem(f"{key!r} is no part of a construction", "write name, weight, es, en or a slot: S, P2")
        for construction in self.lexicon.constructions:
            self._where = construction.where
            if not construction.variants:
                self.problem(f"{construction.name!r} has no sentences", "write an es: and an en: line")
