"""Predicates of the paired grammar: a verb with its object, its clitics, its place and its manner."""

from dataclasses import dataclass

from mtattn.corpus.grammar.lexicon import Modal, Noun, Tense, Verb
from mtattn.corpus.grammar.phrases import (
    DATIVES,
    PRONOUNS,
    REFLEXIVES,
    Phrase,
    PhraseBuilder,
    Pieces,
    Predicate,
    Pronoun,
    Token,
)

# The sets of determiners that stand for others: no compró zapatos, not some; escribe cartas, not five; está leyendo un
# libro, not ten.
_NEGATED = dict.fromkeys(("any", "one", "hab"), "neg") | {"pls": "hab"}
_NEGATED |= dict.fromkeys(("a", "a1", "newa", "exist"), "nega")
_HABITUAL = {"any": "hab", "one": "hab", "newa": "hab", "pls": "hab"}
_GOING_ON = {"any": "one"}


@dataclass(frozen=True, slots=True)
class PredicateOptions:
    """What a construction asks of a predicate.

    Attributes:
        tenses: names of tenses to choose from.
        frames: kinds of complement to choose from: none, obj, prep, dat.
        obj: full, clitic, me (me or nos), any (full or clitic), what or who (left out, to be asked for), nothing,
            nobody, place (none, but a place could be asked for).
        negative: the chance of a negation.
        modal: the chance of a modal verb.
        where: the chance of a place, if the verb can have one.
        how: the chance of an adverb of manner, if the verb can have one.
        middle: lists of adverbs in mid position to choose from.
        letters: letters that the verb must have besides those of the tense.
        verbs: Spanish verbs to choose from; none = all.
        det: the set of determiners of the object, in place of that of the verb.
        modal_verb: the English modal, where only one will do.
        when: the construction says when, so that verbs with the letter w may be habits.
    """

    tenses: tuple[str, ...]
    frames: frozenset[str] = frozenset({"none", "obj", "prep", "dat"})
    obj: str = "full"
    negative: float = 0.0
    modal: float = 0.0
    where: float = 0.2
    how: float = 0.15
    middle: tuple[str, ...] = ()
    letters: str = ""
    verbs: frozenset[str] = frozenset()
    det: str = ""
    modal_verb: str = ""
    when: bool = False


class ClauseBuilder(PhraseBuilder):
    """Builds predicates."""

    _candidates: dict[tuple[object, ...], list[Verb]]
    _modals: dict[str, list[Modal]]
    _subject_classes: frozenset[str]
    _for_pronouns: dict[tuple[str, ...], list[Noun]]

    def _verbs(self, subject: Phrase, tense: str, options: PredicateOptions, modal: Modal | None) -> list[Verb]:
        if not self._subject_classes:
            self._subject_classes = frozenset().union(*(verb.subjects for verb in self.lexicon.verbs))
        key = (subject.classes & self._subject_classes, tense, options, modal.needs if modal else "")
        found = self._candidates.get(key)
        if found is None:
            found = [verb for verb in self.lexicon.verbs if self._fits(verb, subject, tense, options, modal)]
            self._candidates[key] = found
        return found

    def _fits(self, verb: Verb, subject: Phrase, tense: str, options: PredicateOptions, modal: Modal | None) -> bool:
        complement, person_object = verb.complement, self.takes_person(verb)
        letters = modal.needs if modal else self.lexicon.tenses[tense].letters
        if not set(letters) & set(verb.letters) or not set(options.letters) <= set(verb.letters):
            return False
        if "w" in verb.letters and letters == "h" and not options.when:
            return False
        if options.verbs and verb.label not in options.verbs:
            return False
        if not verb.subjects & subject.classes or (complement.kind or "none") not in options.frames:
            return False
        if options.obj in ("what", "nothing"):
            return "q" in verb.letters and complement.kind == "obj" and not person_object
        if options.obj in ("who", "nobody"):
            return complement.kind in ("obj", "prep") and person_object and complement.en != "0"
        if options.obj == "place":
            return complement.kind == "" and bool(verb.where)
        if options.obj == "me":
            return complement.kind == "obj" and person_object
        if options.obj == "clitic":
            return complement.kind in ("obj", "dat") and self._can_be_pronoun(verb)
        return True

    def _can_be_pronoun(self, verb: Verb) -> bool:
        complement = verb.complement
        if complement.det in ("bare", "gen", "part", "partpl", "selfown", "lots", "object"):
            return False
        return self.takes_person(verb) or bool(self._pronoun_nouns(complement.classes))

    def takes_person(self, verb: Verb) -> bool:
        """Say whether the complement of a verb is a person."""
        return any("person" in self.lexicon.classes[name] for name in verb.complement.classes)

    def predicate(self, subject: Phrase, options: PredicateOptions, inverted: bool = False) -> Predicate | None:
        """Build a predicate; None where no verb of the lexicon suits the subject."""
        name = self.pick(options.tenses)
        tense = self.lexicon.tenses[name]
        modal = None
        if options.modal and self.random() < options.modal:
            modals = self._modals.get(name)
            if modals is None:
                modals = self._modals[name] = [row for row in self.lexicon.modals if name in row.tenses]
            if options.modal_verb:
                modals = [row for row in modals if row.en.base == options.modal_verb]
            modal = self.pick(modals) if modals else None
        verbs = self._verbs(subject, name, options, modal)
        if not verbs:
            return None
        verb = self.pick_unused(verbs)
        negative = options.negative > 0 and self.random() < options.negative
        main = self.new_key()
        es: list[Token] = []
        en: list[Token] = []
        clitics = [Token(REFLEXIVES[subject.person], (), (main,))] if verb.reflexive else []
        particle = [Token(word, (main,)) for word in verb.particle]
        result_prep: tuple[list[Token], list[Token]] = ([], [])
        gap_key = self.new_key()
        pronoun_object = self._complement(
            verb,
            subject,
            options,
            _swapped(subject, options, tense, modal, negative),
            clitics,
            es,
            en,
            result_prep,
            particle,
            gap_key,
        )
        if pronoun_object and verb.split:
            en[1:1] = particle
            particle = []
        self._adjuncts(verb, options, es, en)
        middle = None
        if options.middle:
            row = self.pick(self.lexicon.phrases[self.pick(options.middle)])
            middle = self.marked(row)
        nothing = options.obj in ("nothing", "nobody")
        result = self.verb_group(
            verb.es,
            verb.en,
            tense,
            subject,
            negative=(negative or nothing) and tense.en != "ing",
            inverted=inverted,
            modal=modal,
            clitics=clitics,
            middle=middle,
            key=main,
        )
        result.en_verb = result.en_verb + particle
        result.es_rest, result.en_rest = es, en
        result.es_prep, result.en_prep = result_prep
        result.tense, result.verb, result.gap_key = name, verb, gap_key
        return result

    def _adjuncts(self, verb: Verb, options: PredicateOptions, es: list[Token], en: list[Token]) -> None:
        if verb.how and self.random() < options.how:
            name = self.pick(verb.how)
            manner = self.marked(self.pick(self.lexicon.phrases[name]))
            spot = 0 if name in ("how_much", "how_well") else len(es)  # conoce bien a Ana, but mira el mapa con cuidado
            es[spot:spot] = manner.part("es", "")
            en += manner.part("en", "")
        elif verb.where and self.random() < options.where:
            place = self.place(self.noun(verb.where))
            es += place[0]
            en += place[1]

    def place(self, noun: Noun) -> tuple[list[Token], list[Token]]:
        """Say where: en la cocina, in the kitchen."""
        key = self.new_key()
        phrase = self.noun_phrase(noun, "place", 0.05, plural_share=0)
        return [Token("en", (key,)), *phrase.es], [Token(noun.at, (key,)), *phrase.en]

    def _complement(
        self,
        verb: Verb,
        subject: Phrase,
        options: PredicateOptions,
        swapped: dict[str, str],
        clitics: list[Token],
        es: list[Token],
        en: list[Token],
        prep: tuple[list[Token], list[Token]],
        particle: list[Token],
        gap_key: int,
    ) -> bool:
        """Add the complement to the tokens; say whether it is a pronoun object in English."""
        complement = verb.complement
        if not complement.kind:
            return False
        person = self.takes_person(verb)
        det = options.det or complement.det
        det = swapped.get(det, det)
        clitic = options.obj in ("clitic", "me") or (
            options.obj == "any" and self.random() < 0.3 and self._can_be_pronoun(verb)
        )
        if complement.kind == "prep":
            key = self.new_key()
            prep[0].append(Token(complement.es, (key,)))
            prep[1].extend([Token(word, (key,)) for word in complement.en.split("_")] if complement.en != "0" else [])
            if options.obj in ("who", "what"):
                return False
            if options.obj == "nobody":
                nobody = self.new_key()
                es += [*prep[0], Token("nadie", (nobody,))]
                en += [*prep[1], Token("anyone", (nobody,))]
                return False
            phrase = (
                self.person(subject, complement.classes) if person else self._thing(complement.classes, det, subject)
            )
            if complement.en == "0":
                prep[0][0] = Token(complement.es, (), (phrase.key,))
            es += prep[0] + phrase.part("es", "obj")
            en += prep[1] + phrase.part("en", "obj")
            return False
        if options.obj in ("what", "who"):
            return False
        if options.obj in ("nothing", "nobody"):
            thing = options.obj == "nothing"
            key = self.new_key()
            es += [] if thing else [Token("a", (), (key,))]
            es.append(Token("nada" if thing else "nadie", (key,)))
            en.append(Token("anything" if thing else "anyone", (key,)))
            return False
        if complement.kind == "dat":
            return self._ditransitive(verb, subject, det, clitic, clitics, es, en)
        if clitic and self._can_be_pronoun(verb):
            persons = (0, 3) if options.obj == "me" else (0, 1, 2, 3, 4, 5)
            token_es, token_en = self._object_pronoun(complement.classes, subject, person, persons)
            clitics.append(token_es)
            en.append(token_en)
            return True
        if person:
            phrase = self.person(subject, complement.classes)
            es.append(Token("a", (), (phrase.key,)))
        else:
            phrase = self._thing(complement.classes, det, subject)
            if det == "the" and "pet" in phrase.classes:
                es.append(Token("a", (), (phrase.key,)))  # cuida al gato
        es += phrase.part("es", "obj")
        en += phrase.part("en", "obj")
        return False

    def _thing(self, classes: tuple[str, ...], det: str, subject: Phrase) -> Phrase:
        plural = 0.85 if det == "hab" else 0.2
        return self.noun_phrase(self.noun(classes), det, 0.12, owner=subject, plural_share=plural)

    def person(self, subject: Phrase | None, classes: tuple[str, ...] = ("person",)) -> Phrase:
        """Choose somebody who is not the subject, as an object."""
        anyone = classes == ("person",)
        if anyone and self.random() < 0.25:
            return self.name_phrase()
        noun = self.noun(("family", "worker", "friend") if anyone else classes)
        return self.noun_phrase(noun, "person", 0.03, owner=subject, plural_share=0.2)

    def other_person(self, subject: Phrase, persons: tuple[int, ...]) -> Pronoun:
        """Choose a pronoun for somebody else than the subject: never me with yo or nosotros, nor te with vosotros."""
        taken = {0: (0, 3), 3: (0, 3), 1: (1, 4), 4: (1, 4)}.get(subject.person, ())
        you = subject.pronoun.en == "you"
        persons = tuple(person for person in persons if person not in taken)
        for _ in range(20):
            row = self.pronoun(persons)
            if not (you and row.en == "you"):
                break
        return row

    def _object_pronoun(
        self,
        classes: tuple[str, ...],
        subject: Phrase,
        person: bool,
        persons: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    ) -> tuple[Token, Token]:
        key = self.new_key()
        if person:
            row = self.other_person(subject, persons)
            if row.person in (2, 5):
                feminine = self.random() < 0.5 if row.feminine is None else row.feminine
                clitic = ("la" if feminine else "lo") + "s" * row.plural
            else:
                clitic = DATIVES[row.person]
            return Token(clitic, (key,)), Token(row.en_object, (key,))
        noun = self.pick_unused(self._pronoun_nouns(classes))
        plural = noun.es_count == "p" or (noun.es_count == "c" and self.random() < 0.3)
        en_plural = noun.en_count == "p" or (plural and noun.en_count == "c")
        return (
            Token(("la" if noun.feminine else "lo") + "s" * plural, (key,)),
            Token("them" if en_plural else "it", (key,)),
        )

    def _pronoun_nouns(self, classes: tuple[str, ...]) -> list[Noun]:
        """Give the nouns that la and it, los and them can stand for: of like number in both languages."""
        found = self._for_pronouns.get(classes)
        if found is None:
            found = [noun for noun in self.nouns_of(classes) if noun.es_count == noun.en_count != "n"]
            self._for_pronouns[classes] = found
        return found

    def _ditransitive(
        self,
        verb: Verb,
        subject: Phrase,
        det: str,
        clitic: bool,
        clitics: list[Token],
        es: list[Token],
        en: list[Token],
    ) -> bool:
        """Give something to somebody: le doy el libro a Ana, me lo das, se lo doy a Ana."""
        complement = verb.complement
        to_key = self.new_key()
        if self.random() < 0.55 or subject.kind in ("who",):
            row = self.other_person(subject, (0, 1, 2, 3, 4, 5))
            key = to_key
            full_es: list[Token] = []
            full_en = [Token(row.en_object, (key,))]
            person, dative = row.person, Token("", (key,))
        else:
            phrase = self.person(subject)
            person, dative = phrase.person, Token("", (), (phrase.key,))
            full_es, full_en = [Token("a", (to_key,)), *phrase.es], phrase.en
            row = PRONOUNS[2]
        dative = dative._replace(text=DATIVES[person])
        if clitic:
            thing_es, thing_en = self._object_pronoun(complement.classes, subject, False)
            if person in (2, 5):
                dative = dative._replace(text="se")
            clitics += [dative, thing_es]
            es += full_es
            en += [thing_en, Token(complement.en, (to_key,)), *full_en]
            return True
        clitics.append(dative)
        thing = self._thing(complement.classes, det, subject)
        es += thing.es + full_es
        if complement.double_object and self.random() < (0.8 if not full_es else 0.4):
            if full_es:
                full_es_index = len(es) - len(full_es)
                es[full_es_index] = Token("a", (), (phrase.key,))
            en += [*full_en, *thing.en]
        else:
            en += [*thing.en, Token(complement.en, (to_key,)), *full_en]
        return False


def empty() -> Pieces:
    """Make a phrase that was left out."""
    return Pieces(0, {})


def _swapped(
    subject: Phrase, options: PredicateOptions, tense: Tense, modal: Modal | None, negative: bool
) -> dict[str, str]:
    """Say which sets of determiners give way to others beside such a verb."""
    if negative or subject.kind == "nobody" or options.middle == ("never",):
        return _NEGATED
    if modal is not None:
        return {}
    if tense.letters == "h":
        return _HABITUAL
    return _GOING_ON if tense.letters == "p" else {}
