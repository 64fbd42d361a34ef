using Xunit;

namespace RlLeap.Tests.Core;

public sealed class DisposableTests
{
    [Fact]
    public void What_was_made_is_disposed_only_where_its_preparation_fails()
    {
        var made = new MemoryStream();
        Assert.Same(made, made.DisposeOnError(stream => stream.WriteByte(1)));
        Assert.True(made.CanWrite);
        Assert.Throws<InvalidOperationException>(() => made.DisposeOnError(_ => throw new InvalidOperationException()));
        Assert.False(made.CanWrite);
    }
}
