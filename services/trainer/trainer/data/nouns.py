"""The things that can be seen and named in SpriteWorld: one row a noun.

A row is `name | other names | emoji code points`. The first name is the one answers use; the others appear in questions at random. The plural follows
from the rules of English, save where a row says otherwise after a slash (`mouse/mice`). Several code points are several drawings of the same thing.
"""
from dataclasses import dataclass

ROWS = """
person/people | man/men, woman/women, human | 1f9cd 1f6b6 1f468 1f469 1f3c3
bicycle | bike | 1f6b2
car | automobile | 1f697 1f699
motorcycle | motorbike | 1f3cd
airplane | plane, aeroplane | 2708 1f6e9
bus/buses | coach/coaches | 1f68c
train | railway train | 1f686 1f682
truck | lorry/lorries | 1f69a 1f69b
boat | ship | 26f5 1f6a4
traffic light | traffic signal | 1f6a6
stop sign | | 1f6d1
bird | | 1f426
cat | kitten | 1f408 1f431
dog | puppy/puppies | 1f415 1f436
horse | pony/ponies | 1f40e 1f434
sheep/sheep | lamb | 1f411
cow | cattle/cattle | 1f404 1f42e
elephant | | 1f418
bear | | 1f43b
zebra | | 1f993
giraffe | | 1f992
backpack | rucksack, school bag | 1f392
umbrella | | 2602 1f302
handbag | purse | 1f45c
tie | necktie | 1f454
suitcase | luggage/luggage | 1f9f3
kite | | 1fa81
skis/skis | pair of skis/pairs of skis | 1f3bf
skateboard | | 1f6f9
frisbee | flying disc | 1f94f
tennis racket | racket | 1f3f8
sports ball | ball | 26bd 1f3c0 26be 1f3d0
bottle | | 1f37e
wine glass/wine glasses | glass of wine/glasses of wine | 1f377
cup | mug, coffee cup | 2615
knife/knives | | 1f52a
spoon | | 1f944
bowl | | 1f963
banana | | 1f34c
apple | | 1f34e 1f34f
sandwich/sandwiches | | 1f96a
orange | tangerine | 1f34a
broccoli/broccoli | | 1f966
carrot | | 1f955
hot dog | | 1f32d
pizza | slice of pizza/slices of pizza | 1f355
donut | doughnut | 1f369
cake | birthday cake | 1f382 1f370
chair | seat | 1fa91
couch/couches | sofa | 1f6cb
potted plant | plant | 1fab4
bed | | 1f6cf
toilet | | 1f6bd
tv | television | 1f4fa
laptop | computer | 1f4bb
mouse/mice | computer mouse/computer mice | 1f5b1
keyboard | | 2328
cell phone | phone, mobile, smartphone | 1f4f1
book | | 1f4d5 1f4d7 1f4d8
clock | alarm clock | 23f0 1f570
vase | | 1f3fa
scissors/scissors | pair of scissors/pairs of scissors | 2702
teddy bear | teddy | 1f9f8
toothbrush/toothbrushes | | 1faa5
tiger | | 1f405
lion | | 1f981
monkey | ape | 1f412
pig | hog | 1f416
rabbit | bunny/bunnies | 1f407
rat | | 1f400
squirrel | chipmunk | 1f43f
camel | | 1f42b 1f42a
kangaroo | | 1f998
goat | | 1f410
fox/foxes | | 1f98a
panda | | 1f43c
koala | | 1f428
frog | | 1f438
crocodile | alligator | 1f40a
turtle | tortoise | 1f422
snake | | 1f40d
dinosaur | t rex/t rexes | 1f996
whale | | 1f40b 1f433
dolphin | | 1f42c
fish/fish | | 1f41f
shark | | 1f988
octopus/octopuses | | 1f419
crab | | 1f980
penguin | | 1f427
duck | | 1f986
snail | | 1f40c
butterfly | | 1f98b
bee | honeybee | 1f41d
spider | | 1f577
strawberry | | 1f353
cherries/cherries | | 1f352
grapes/grapes | | 1f347
watermelon | melon | 1f349
pineapple | | 1f34d
lemon | | 1f34b
pear | | 1f350
tomato/tomatoes | | 1f345
corn/corn | | 1f33d
mushroom | | 1f344
pumpkin | | 1f383
bread/bread | loaf of bread/loaves of bread | 1f35e
cheese/cheese | | 1f9c0
egg | | 1f95a
hamburger | burger | 1f354
french fries/french fries | fries/fries, chips/chips | 1f35f
cookie | biscuit | 1f36a
ice cream | | 1f366
beer | mug of beer/mugs of beer | 1f37a
hat | top hat | 1f3a9
crown | | 1f451
glasses/glasses | pair of glasses/pairs of glasses | 1f453
sunglasses/sunglasses | pair of sunglasses/pairs of sunglasses | 1f576
shoe | sneaker | 1f45f
shirt | t shirt | 1f455
dress/dresses | | 1f457
guitar | | 1f3b8
piano | | 1f3b9
violin | | 1f3bb
drum | | 1f941
microphone | mic | 1f3a4
headphones/headphones | headset | 1f3a7
camera | | 1f4f7
telephone | | 260e
light bulb | bulb | 1f4a1
key | | 1f511
padlock | lock | 1f512
hammer | | 1f528
wrench/wrenches | spanner | 1f527
balloon | | 1f388
gift | present | 1f381
rocket | | 1f680
helicopter | | 1f681
tractor | | 1f69c
fire truck | fire engine | 1f692
scooter | kick scooter | 1f6f4
tent | | 26fa
house | home | 1f3e0
tree | | 1f333
cactus/cactuses | | 1f335
flower | | 1f33b 1f339 1f337 1f33a
snowman/snowmen | | 26c4
robot | | 1f916
bell | | 1f514
pencil | | 270f
envelope | letter | 2709
"""


@dataclass(frozen=True)
class Noun:
    name: str
    plural: str
    synonyms: tuple[tuple[str, str], ...]  # (singular, plural), the name itself not among them
    codes: tuple[str, ...]  # Unicode code points of its drawings, hexadecimal


def plural_of(word: str) -> str:
    """`dog` → `dogs`, `puppy` → `puppies`, `bus` → `buses`.

    >>> plural_of('cherry'), plural_of('box'), plural_of('monkey')
    ('cherries', 'boxes', 'monkeys')
    """
    if word.endswith('y') and word[-2] not in 'aeiou':
        return word[:-1] + 'ies'
    return word + ('es' if word.endswith(('s', 'x', 'ch', 'sh')) else 's')


def split_forms(text: str) -> tuple[str, str]:
    singular, _, plural = text.strip().partition('/')
    return singular, plural or plural_of(singular)


def parse(row: str) -> Noun:
    names, others, codes = row.split('|')
    name, plural = split_forms(names)
    return Noun(name, plural, tuple(split_forms(o) for o in others.split(',') if o.strip()), tuple(codes.split()))


NOUNS: tuple[Noun, ...] = tuple(parse(row) for row in ROWS.strip().splitlines())
BY_NAME: dict[str, Noun] = {noun.name: noun for noun in NOUNS}
