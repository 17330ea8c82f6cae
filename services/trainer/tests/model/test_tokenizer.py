from trainer.lesson import expand, question
from trainer.said import EVENTS, MOTIONS, SIDES, colour_of, event_of, motion_of, partner_of, side_of
from trainer.tokenizer import nano_tokenizer, prompt_ids
from trainer.vocabulary import COLOURS, SPECIAL, vocabulary


def test_special_tokens_come_first_and_survive_normalisation():
    tokenizer = nano_tokenizer()
    assert [tokenizer.token_to_id(token) for token in SPECIAL] == list(range(len(SPECIAL)))
    assert tokenizer.encode('yes <p> the Dog <region> <region_task>').tokens == ['yes', '<p>', 'the', 'dog', '<region>', '<region_task>']


def test_nouns_of_several_words_are_one_token_and_read_back_as_words():
    encoded = nano_tokenizer().encode('Where are the cell phones, and the hot dog?')
    assert encoded.tokens == ['where', 'are', 'the', 'cell~phones', ',', 'and', 'the', 'hot~dog']
    assert nano_tokenizer().decode(encoded.ids) == 'where are the cell phones , and the hot dog'


def test_unknown_words_are_unknown_not_pieces():
    assert nano_tokenizer().encode('frobnicate the dogx').tokens == ['<unk>', 'the', '<unk>']


def test_the_prompt_is_framed():
    tokens = [vocabulary().tokens[i] for i in prompt_ids('is there a cat?')]
    assert tokens == ['<bos>', 'is', 'there', 'a', 'cat', '<answer>']


def test_every_form_of_a_noun_leads_to_it():
    words = vocabulary()
    nouns = words.noun_of_token()
    for form in ('cell phone', 'cell phones', 'smartphone'):
        assert words.nouns[nouns[words.id(form.replace(' ', '~'))]] == 'cell phone'


def test_a_trigger_is_followed_by_its_task_token():
    names = [vocabulary().tokens[i] for i in expand('<p> the dog <region> and <p> the ball <mask>')]
    assert names == ['<p>', 'the', 'dog', '<region>', '<region_task>', 'and', '<p>', 'the', 'ball', '<mask>', '<mask_task>']


def test_task_tokens_are_fed_not_predicted_and_the_first_word_weighs_most():
    from trainer.lesson import Query
    asked = question('find the dog', '<p> the dog <region>', 'region', [Query(-1, 'region', 0, 'the dog')])
    words = vocabulary()
    weights = {words.tokens[token]: weight for token, weight in zip(asked.ids, asked.weights)}
    assert weights['<region_task>'] == 0 and weights['<region>'] == 1 and weights['<p>'] == 4 and weights['<bos>'] == 0
    assert words.tokens[asked.ids[asked.queries[0].position]] == '<region_task>'


def test_colours_of_phrases():
    assert COLOURS[colour_of('the red car')] == 'red'
    assert colour_of('the orange') == len(COLOURS)


def test_a_phrase_says_a_side_only_of_its_own_thing():
    assert SIDES[side_of('the left dog')] == SIDES[side_of('the dog on the left')] == 'left' and SIDES[side_of('the dog at the top')] == 'top'
    assert side_of('the dog left of the car') == side_of('the dog going left') == side_of('the dog') == len(SIDES)


def test_a_phrase_says_which_way_its_thing_goes_or_when_it_came():
    said = {'the dog moving left': 'left', 'dog going up': 'up', 'the moving dog': 'moving', 'the still dog': 'still', 'the dog that stands still': 'still',
            'the dog that does not move': 'still', 'the dog that came first': 'first', 'the dog that came last': 'last'}
    assert {phrase: MOTIONS[motion_of(phrase)] for phrase in said} == said
    assert all(motion_of(phrase) == len(MOTIONS) for phrase in ('the left dog', 'the dog on the left', 'the dog'))


def test_a_clause_says_its_event():
    assert EVENTS[event_of('the red dog is hidden')] == 'hidden' and EVENTS[event_of('the dog passes the car')] == 'passes' and event_of('the dog') == len(EVENTS)


def test_the_other_thing_of_an_event_is_named():
    nouns = vocabulary().nouns
    assert nouns[partner_of('the red dog passes the blue car')] == 'car'
    assert partner_of('the dog is hidden') == partner_of('the dog') == len(nouns)
