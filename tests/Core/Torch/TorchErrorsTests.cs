using System.Runtime.InteropServices;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Core.Torch;

public class TorchErrorsTests
{
    [Theory]
    [InlineData("/lib/libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by x.so)",
        "Debian 12, Ubuntu 22.04 or newer")]
    [InlineData("/lib/libc.so.6: version `GLIBC_2.34' not found (required by x.so)",
        "Debian 12, Ubuntu 22.04 or newer")]
    [InlineData("libgomp.so.1: cannot open shared object file", "libX.so cannot be loaded: libgomp.so.1: cannot open")]
    public void What_the_loader_refuses_is_said_with_what_to_do(string refusal, string said) =>
        Assert.Contains(said, TorchErrors.Explain("/somewhere/libX.so", refusal));

    [Fact]
    public void A_summary_leaves_out_the_native_frames()
    {
        var error = Assert.Throws<ExternalException>(() => ones(2, 3).mm(ones(2, 3)));
        Assert.Contains("frame #0", error.Message);
        Assert.Equal("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", error.Summary());
        Assert.Equal("two\nlines", new InvalidOperationException("two\nlines").Summary());
    }
}
