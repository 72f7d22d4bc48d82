# SPDX-License-Identifier: MIT
# Functions that read the configuration blocks and the commands of the guides in
# doc/guides.
package FCGIAuth::Guide;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Test;

our @EXPORT = qw(blocks commands);

# Returns the blocks of a guide in a language, without their indentation.
sub blocks {
	my ($guide, $language) = @_;
	my $text = slurp(top() . "/doc/guides/$guide.md");
	my @blocks;

	while ($text =~ /^( *)```$language\n(.*?)^ *```$/msg) {
		my ($indent, $block) = ($1, $2);
		push @blocks, $block =~ s/^$indent//mgr;
	}
	return @blocks;
}

# Returns the commands of a section of a guide.
sub commands {
	my ($guide, $heading) = @_;
	my $text = slurp(top() . "/doc/guides/$guide.md");
	my ($section) = $text =~ /^#+ \Q$heading\E\n(.*?)(?=^#|\z)/ms
	    or die "$guide.md has no $heading\n";

	return $section =~ /^    (\S(?:.*\\\n)*.*)\n/mg;
}

1;
