# SPDX-License-Identifier: MIT
# What the guides in doc/ say word for word: blocks of configuration, commands.
package FCGIAuth::Guide;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Test;

our @EXPORT = qw(blocks commands);

# The blocks of a guide in that language, without their indentation.
sub blocks {
	my ($guide, $language) = @_;
	my $text = slurp(top() . "/doc/$guide.md");
	my @blocks;

	while ($text =~ /^( *)```$language\n(.*?)^ *```$/msg) {
		my ($indent, $block) = ($1, $2);
		push @blocks, $block =~ s/^$indent//mgr;
	}
	return @blocks;
}

# The commands of a section of a guide, as they are typed.
sub commands {
	my ($guide, $heading) = @_;
	my $text = slurp(top() . "/doc/$guide.md");
	my ($section) = $text =~ /^#+ \Q$heading\E\n(.*?)(?=^#|\z)/ms
	    or die "$guide.md has no $heading\n";

	return $section =~ /^    (\S(?:.*\\\n)*.*)\n/mg;
}

1;
