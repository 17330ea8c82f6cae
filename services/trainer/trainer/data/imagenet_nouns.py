"""Everyday nouns that ImageNet knows, each with the classes of the 1000 that mean it.

A row is `name | other names | classes`, classes as numbers and ranges. Nouns that COCO knows too come first: there the classifier corrects the
detector (which takes cats for dogs); the others are known by the classifier alone.
"""
from dataclasses import dataclass

from trainer.data.nouns import Noun, parse

ROWS = """
bicycle | bike | 444 671
car | automobile | 436 468 511 627 656 661 751 817
motorcycle | motorbike | 665 670
airplane | plane, aeroplane | 404 726 895
bus/buses | coach/coaches | 654 779 874
train | | 466 547 820 705 829
truck | lorry/lorries | 555 569 675 717 864 867
boat | ship | 472 484 510 554 576 625 628 780 814 871 914
traffic light | traffic signal | 920
parking meter | | 704
bench/benches | park bench/park benches | 703
bird | | 7-24 80-100 127-146
cat | kitten | 281-285
dog | puppy/puppies | 151-268
horse | pony/ponies | 339
sheep/sheep | lamb | 348 349
cow | cattle/cattle | 345
elephant | | 101 385 386
bear | | 294-297
zebra | | 340
backpack | rucksack, school bag | 414
umbrella | parasol | 879
handbag | purse | 748
tie | necktie | 906 451
skis/skis | pair of skis/pairs of skis | 795
sports ball | ball | 429 430 522 574 722 768 805 852 890
tennis racket | racket | 752
bottle | | 440 720 737 898 899 907 901
wine glass/wine glasses | glass of wine/glasses of wine | 966 572
cup | mug, coffee cup | 504 967 968
knife/knives | | 499 623
spoon | | 910 618
bowl | | 659 809
banana | | 954
apple | | 948
orange | tangerine | 950
broccoli/broccoli | | 937
hot dog | | 934
pizza | slice of pizza/slices of pizza | 963
chair | seat | 423 559 765
couch/couches | sofa | 831
potted plant | plant | 738
bed | | 564
dining table | table | 532
toilet | | 861
tv | television, monitor | 664 782 851
laptop | computer | 620 681
mouse/mice | computer mouse/computer mice | 673
remote | remote control | 761
keyboard | | 508 810 878
cell phone | phone, mobile, mobile phone, smartphone | 487 590 605
microwave | microwave oven | 651
oven | stove | 766 827
toaster | | 859
sink | basin | 896
refrigerator | fridge | 760
book | | 917 921
clock | alarm clock | 409 530 892
vase | | 883
teddy bear | teddy | 850
hair drier | hair dryer, hairdryer | 589
penguin | | 145
duck | | 97 98
goose/geese | | 99
swan | | 100
chicken | hen, rooster | 7 8
ostrich/ostriches | | 9
flamingo | | 130
pelican | | 144
owl | | 24
eagle | | 22
parrot | | 87-90
peacock | | 84
hummingbird | | 94
fish/fish | | 0 1 389-397
goldfish/goldfish | | 1
shark | | 2-4
jellyfish/jellyfish | | 107
whale | | 147 148
frog | | 30-32
lizard | | 38-48
turtle | tortoise | 33-37
crocodile | alligator | 49 50
snake | | 52-68
spider | | 72-77
scorpion | | 71
crab | | 118-121
lobster | | 122 123
snail | | 113
butterfly | | 321-326
bee | honeybee | 309
ladybug | ladybird | 301
dragonfly | | 319 320
grasshopper | | 311
beetle | | 300 302-307
starfish/starfish | | 327
wolf/wolves | | 269-271
fox/foxes | | 277-280
tiger | | 292
lion | | 291
leopard | jaguar, cheetah | 288-290 293
rabbit | bunny/bunnies | 330-332
hamster | guinea pig | 333 338
squirrel | chipmunk | 335
beaver | | 337
pig | hog | 341-343
hippopotamus/hippos | hippo | 344
buffalo/buffalo | bison/bison | 346 347
goat | ibex | 350
deer/deer | antelope | 351-353
camel | | 354
llama | alpaca | 355
monkey | ape | 365-382
gorilla | | 366
panda | | 388
koala | | 105
kangaroo | wallaby/wallabies | 104
balloon | | 417
barrel | | 427
basket | hamper | 588 790
bathtub | tub | 435 876
bell | | 494
binoculars/binoculars | | 447
bookcase | bookshelf/bookshelves | 453
bow tie | | 457
bridge | | 821 839 888
bucket | | 463
camera | | 732 759
candle | | 470
cannon | | 471
castle | palace | 483 698
church/churches | | 497 663
computer | desktop computer | 527 664 782
desk | | 526
drum | | 541
envelope | letter | 549
fan | electric fan | 545
fire truck | fire engine | 555
fountain | | 562
frying pan | pan | 567 909
glasses/glasses | pair of glasses/pairs of glasses | 836 837
sunglasses/sunglasses | pair of sunglasses/pairs of sunglasses | 836 837
guitar | | 402 546
hammer | | 587
hat | | 515 808
helmet | | 518 560
hourglass/hourglasses | | 604
iron | | 606
jeans/jeans | | 608
kettle | teapot | 505 849
lamp | table lamp | 619 846
lawn mower | | 621
lipstick | | 629
loudspeaker | speaker | 632
mailbox/mailboxes | letter box/letter boxes | 637
mask | | 643
microphone | mic | 650
mosque | | 668
necklace | | 679
notebook | binder | 446 681
organ | | 687
padlock | lock | 695
parachute | | 701
pen | | 418 563
phone booth | pay phone | 707
piano | | 579 881
pillow | cushion | 721
printer | photocopier | 742 713
radio | | 754
rifle | gun | 413 763 764
rocket | missile | 657 744
sandal | | 774
saxophone | sax | 776
scale | | 778
screwdriver | | 784
sewing machine | | 786
shoe | sneaker | 514 630 770
shopping cart | trolley | 791
sock | | 806
space shuttle | | 812
spider web | cobweb | 815
stopwatch/stopwatches | watch/watches | 531 826
street sign | sign | 919
submarine | | 833
suit | | 834
swing | | 843
tank | | 847
telephone | | 528
tent | | 672
throne | | 857
tractor | | 866
tricycle | | 870
tripod | | 872
trombone | trumpet | 875 513
typewriter | | 878
vacuum cleaner | vacuum | 882
vending machine | | 886
violin | cello | 889 486
wardrobe | closet | 894 493
washing machine | washer | 897
whistle | | 902
bagel | | 931
bread/bread | loaf of bread/loaves of bread | 930
pretzel | | 932
hamburger | burger | 933
burrito | | 965
ice cream | | 928
lollipop | popsicle | 929
cabbage | | 936
cauliflower | | 938
cucumber | zucchini | 943 939
pumpkin | squash/squash | 940-942 607
pepper | bell pepper | 945
mushroom | | 947 991-997
strawberry | | 949
lemon | | 951
fig | | 952
pineapple | | 953
pomegranate | | 957
corn/corn | | 987 998
daisy | flower | 985 986
acorn | | 988
mountain | alp | 970
beach/beaches | seashore | 978 977
volcano | | 980
lake | lakeside | 975
cliff | | 972
waterfall | geyser | 974
coral reef | coral | 973
"""


@dataclass(frozen=True)
class ImageNetNoun:
    noun: Noun
    classes: tuple[int, ...]


def parse_row(row: str) -> ImageNetNoun:
    names, others, classes = row.split('|')
    return ImageNetNoun(parse(f'{names}|{others}|'), tuple(number for part in classes.split() for number in span(part)))


def span(text: str) -> range:
    first, _, last = text.partition('-')
    return range(int(first), int(last or first) + 1)


IMAGENET_NOUNS: tuple[ImageNetNoun, ...] = tuple(parse_row(row) for row in ROWS.strip().splitlines())
